import type { OnnxImageType } from "@onebit/convert";
import {
  type BackendChoice,
  type Budget,
  type FloatTensor,
  type MapType,
  OnebitError,
} from "onebit";
import type { Preprocess } from "onebit/image";
import type { OnnxFlags } from "../flags/onnx.js";
import { modelKind } from "../model-kind.js";
import { type FloatSubject, floatSubject } from "./float-subject.js";
import { type OnnxSubject, onnxSubject } from "./onnx-subject.js";
import { type PackedSubject, packedSubject } from "./packed-subject.js";
import type { Trace } from "./tensors.js";

/** A network to compare with another, whatever it is made of. */
export interface Subject {
  readonly path: string;
  readonly backend: string;
  readonly input: { readonly channels: number; readonly height: number; readonly width: number };
  readonly classes: number;
  readonly labels?: readonly string[];
  readonly labelsAssumed?: boolean;
  readonly preprocess?: Preprocess;
  /** Of an .onnx model. */
  readonly inputType?: OnnxImageType;
  readonly notes: readonly string[];
  /** Logits [N, classes] of normalised images [N, C, H, W]. */
  run(images: FloatTensor): Promise<FloatTensor>;
  /** Values that can be traced, in the order in which they are computed. */
  readonly names: readonly string[];
  /** Those of them that are sign decisions. */
  readonly signs: readonly string[];
  /**
   * Shows the wanted values of one image: NAME, and NODE:sum, the bare accumulator of a convolution.
   * NAME:before asks for the margin of sign NAME.
   */
  tracer(isWanted: (name: string) => boolean): Promise<Tracer>;
  dispose(): Promise<void>;
}

export interface Tracer {
  trace(image: FloatTensor): Promise<Trace>;
  dispose(): Promise<void>;
}

export type AnySubject = PackedSubject | FloatSubject | OnnxSubject;

export interface OpenOptions {
  readonly backend: BackendChoice;
  readonly threads: number;
  /** Height and width of the images, where they are not the network's own. */
  readonly size?: readonly [height: number, width: number];
  readonly flags: OnnxFlags;
  /** Of a packed network. */
  readonly maps?: MapType;
  readonly budget?: Budget;
}

/** A packed network, a float model, a run, or an ONNX classifier. Dispose of it. */
export async function openSubject(path: string, options: OpenOptions): Promise<AnySubject> {
  const kind = await modelKind(path, "network");
  if (kind === "packed") return packedSubject(path, options);
  return kind === "onnx" ? onnxSubject(path, options) : floatSubject(path, options);
}

/** Both must take the same images and tell the same classes apart. */
export function checkComparable(a: Subject, b: Subject): void {
  if (a.classes !== b.classes) {
    throw new OnebitError(
      `${a.path} has ${a.classes} classes, ${b.path} ${b.classes}: they cannot be compared`,
    );
  }
  const [x, y] = [a, b].map(({ input }) => `${input.channels}x${input.height}x${input.width}`);
  if (x === y) return;
  const remedy =
    a.input.channels === b.input.channels
      ? "give images of one size with --input x.npy"
      : "they cannot be compared";
  throw new OnebitError(`${a.path} takes images of ${x}, ${b.path} of ${y}: ${remedy}`);
}

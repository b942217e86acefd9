import type { OnnxImageType, OnnxSettings } from "@onebit/convert";
import type { BackendChoice, Budget, FloatTensor, MapType, TensorInfo } from "onebit";
import type { Preprocess } from "onebit/image";
import { type FloatSubject, floatSubject } from "./float.js";
import { type ModelKind, modelKind } from "./kind.js";
import { type OnnxSubject, onnxSubject } from "./onnx.js";
import { type PackedSubject, packedSubject } from "./packed.js";

/** The classes that a network tells apart. */
export interface Scores {
  readonly classes: number;
  readonly labels?: readonly string[];
  /** The labels are a guess by their number. */
  readonly labelsAssumed?: boolean;
  /** The logits are logarithms of probabilities: a softmax took the number that they had in common. */
  readonly afterSoftmax?: boolean;
}

/** A network that runs here, whatever it is made of and whoever runs it. */
export interface Subject {
  readonly kind: ModelKind;
  readonly path: string;
  readonly backend: string;
  readonly threads: number;
  /** What had to be assumed, or is worth knowing. */
  readonly notes: readonly string[];
  /** Of one item of a batch: an image [C, H, W], or [C]. */
  readonly input: TensorInfo;
  /** By name, of one item. What scores classes has "logits". */
  readonly outputs: { readonly [name: string]: TensorInfo };
  /** Undefined where it scores no classes. */
  readonly scores?: Scores;
  /** How photographs are prepared, where it says so. */
  readonly preprocess?: Preprocess;
  /** Nobody says how an .onnx model's images are normalised: mean and deviation there are a guess. */
  readonly normalisationAssumed?: boolean;
  /** uint8: an .onnx model that takes pixels as they are. */
  readonly inputType?: OnnxImageType;
  /** Outputs [N, ...] of a batch of inputs; default: logits, or all where there are none. */
  run(batch: FloatTensor, outputs?: readonly string[]): Promise<Tensors>;
  dispose(): Promise<void>;
}

/** Values by the names of outputs. */
export type Tensors = { readonly [name: string]: FloatTensor };

/** A subject with what only its kind has. */
export type AnySubject = PackedSubject | FloatSubject | OnnxSubject;

/** Where a network runs, and what its file does not say. */
export interface SubjectOptions {
  readonly backend: BackendChoice;
  readonly threads: number;
  /** Height and width of the images, where they are not the network's own. */
  readonly size?: readonly [height: number, width: number];
  /** Of an ONNX model, where it does not say so itself. */
  readonly onnx?: OnnxSettings;
  /** Of a packed network. */
  readonly maps?: MapType;
  readonly budget?: Budget;
}

/** A packed network, a float model, a run, or an ONNX classifier. Dispose of it. */
export async function openSubject(path: string, options: SubjectOptions): Promise<AnySubject> {
  const kind = await modelKind(path, "network");
  switch (kind) {
    case "packed":
      return packedSubject(path, options);
    case "float":
      return floatSubject(path, options);
    case "onnx":
      return onnxSubject(path, options);
    default:
      return kind satisfies never;
  }
}

import type { AnySubject, SubjectOptions } from "@onebit/train/subjects";
import type { FloatTensor } from "onebit";
import { insideFloat } from "./float-inside.js";
import { insideOnnx } from "./onnx-inside.js";
import { insidePacked } from "./packed-inside.js";
import type { Trace } from "./tensors.js";

/** What can be seen inside a network while it runs. */
export interface Inside {
  /** Values that can be traced, in the order in which they are computed. */
  readonly names: readonly string[];
  /** Those of them that are sign decisions. */
  readonly signs: readonly string[];
  /**
   * Shows the wanted values of one image: NAME, and NODE:sum, the bare accumulator of a convolution.
   * NAME:before asks for the margin of sign NAME.
   */
  tracer(isWanted: (name: string) => boolean): Promise<Tracer>;
}

export interface Tracer {
  trace(image: FloatTensor): Promise<Trace>;
  dispose(): Promise<void>;
}

/** options: as the subject was opened. */
export async function insideOf(subject: AnySubject, options: SubjectOptions): Promise<Inside> {
  switch (subject.kind) {
    case "packed":
      return insidePacked(subject, options);
    case "float":
      return insideFloat(subject);
    case "onnx":
      return insideOnnx(subject, options);
    default:
      return subject satisfies never;
  }
}

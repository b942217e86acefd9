import type { GraphBuilder } from "../graph/builder.js";
import { binaryConv2d, type ConvOptions, conv2d } from "../graph/layers.js";
import type { Form } from "./options.js";

/** What may differ between families whose 1-bit weights are plain signs. */
export interface UnscaledStyle {
  readonly form: Form;
  /** Gradient window of weights; training clamps them to it. */
  readonly range?: number;
  /** 0 when absent. */
  readonly padValue?: -1 | 0 | 1;
}

/** Convolution of signs with signs of weights and no scale, as BinaryNet, Larq and BMXNet have it; or a real one. */
export function unscaledConv(
  b: GraphBuilder,
  key: string,
  x: string,
  conv: Omit<ConvOptions, "bias" | "role" | "bits">,
  { form, range = 1, padValue }: UnscaledStyle,
): string {
  if (form !== "binary") return conv2d(b, key, x, conv);
  const binarizer = { scale: "none", estimator: "clip", range, latentRange: range } as const;
  return binaryConv2d(b, key, x, { ...conv, padValue, binarizer });
}

import type { GraphBuilder } from "../graph/builder.js";
import { binaryConv2d, conv2d, learnableBias, sign } from "../graph/layers.js";
import type { Form } from "./options.js";

/** RSign with ReActNet's quadratic estimator; the real-valued twin keeps only its bias. */
export function reactSign(
  b: GraphBuilder,
  key: string,
  name: string,
  x: string,
  form: Form,
): string {
  const shifted = learnableBias(b, key, x);
  return form === "real" ? shifted : sign(b, name, shifted, { estimator: "approx" });
}

export interface ReactConv {
  readonly out: number;
  readonly kernel: 1 | 3;
  readonly stride?: number;
  /** Binary weights stored flat, `${key}.weights`. */
  readonly flat?: boolean;
}

/**
 * ReActNet's convolution: weight = mean|w| per output channel * sign(w), or real.
 *
 * Latent weights start as PyTorch's default rather than the official uniform [0, 0.001): there
 * every sign starts at +1, which only a step-1 checkpoint loaded on top makes harmless.
 */
export function reactConv(
  b: GraphBuilder,
  key: string,
  x: string,
  { flat, ...conv }: ReactConv,
  form: Form,
): string {
  if (form !== "binary") return conv2d(b, key, x, conv);
  const binarizer = { scale: "channel-mean", estimator: "clip", range: 1 } as const;
  return binaryConv2d(b, key, x, { ...conv, flat, binarizer });
}

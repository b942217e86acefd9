import type { GraphBuilder } from "../graph/builder.js";
import { binaryConv2d, conv2d, learnableBias, prelu, rprelu, sign } from "../graph/layers.js";
import type { ModelEntry } from "./entry.js";
import type { Form, Switches } from "./options.js";

/** Switches for ablations, of all ReActNets. */
export const reactSwitches = ["activation", "rsign", "estimator", "weightEstimator"] as const;

export type ReactSwitch = (typeof reactSwitches)[number];

/** What all blocks of a ReActNet have in common. */
export interface ReactSettings extends Pick<Switches, ReactSwitch | "widening"> {
  readonly form: Form;
}

export const reactChoices: ModelEntry["choices"] = { activation: ["none", "prelu", "rprelu"] };

/** RSign, by default with ReActNet's quadratic estimator; the real-valued twin keeps only its bias. */
export function reactSign(
  b: GraphBuilder,
  key: string,
  name: string,
  x: string,
  { form, rsign = true, estimator = "approx" }: ReactSettings,
): string {
  const shifted = rsign ? learnableBias(b, key, x) : x;
  return form === "real" ? shifted : sign(b, name, shifted, { estimator });
}

/** RPReLU, or what takes its place; "none" is the sum itself, which then has the name. */
export function reactActivation(
  b: GraphBuilder,
  keys: { readonly before: string; readonly slope: string; readonly after: string },
  sum: (name?: string) => string,
  { activation = "rprelu" }: ReactSettings,
  name?: string,
): string {
  if (activation === "none") return sum(name);
  if (activation === "prelu") return prelu(b, keys.slope, sum(), name);
  return rprelu(b, keys, sum(), name);
}

export interface ReactConv {
  readonly out: number;
  readonly kernel: 1 | 3;
  readonly stride?: number;
  /** Of a real convolution. */
  readonly groups?: number;
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
  { form, weightEstimator: estimator = "clip" }: ReactSettings,
): string {
  if (form !== "binary") return conv2d(b, key, x, conv);
  const binarizer = { scale: "channel-mean", estimator, range: 1 } as const;
  return binaryConv2d(b, key, x, { ...conv, flat, binarizer });
}

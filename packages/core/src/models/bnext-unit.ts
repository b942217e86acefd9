import type { GraphBuilder } from "../graph/builder.js";
import {
  batchNorm,
  binaryConv2d,
  clampInPlace,
  conv2d,
  deadBatchNorm,
  deadPrelu,
  type LayerBits,
  learnableBias,
  prelu,
  sign,
  squeezeExcite,
  temperatureMirror,
} from "../graph/layers.js";
import type { Form, Gate, Switches } from "./options.js";

export interface UnitSettings extends Pick<Switches, "estimator" | "weightEstimator"> {
  readonly form: Form;
  readonly gate: Gate;
  readonly seReduction: number;
  /** Of the gate's convolutions, where they are quantised. */
  readonly gateBits?: LayerBits;
  /** Standard deviation of the latent weights at the start; as published where absent. */
  readonly latentStd?: number;
  /** Temperature below which weights are signs. */
  readonly threshold: number;
  /** Evaluation clamps no mixing scale. */
  readonly storedScale?: boolean;
}

/** What differs between the units of a BNext. u: the input, r: the shortcut, p: what is mixed with y. */
export interface Unit {
  readonly u: string;
  readonly r: string;
  /** Has the mean, per channel, of the map that is mixed with y. */
  readonly p: string;
  /** Multiply by r before the second batch-norm (ELM). */
  readonly elm: boolean;
  readonly out: number;
  readonly kernel: 1 | 3;
  readonly stride: number;
  /** Where the mixing scale is clamped to [0, 1] in place. */
  readonly clampScale: "always" | "training";
  /** Name of the output. */
  readonly name?: string;
}

const publishedLatentStd = 0.001;
const clipRange = 1.5;

/**
 * Info-RCP unit ("processor") of BNext, with width C in and `out` channels out:
 *
 *   y = PReLU(BN1(BinConv(sign(u + move))))
 *   m = a p + (1 - a) y                        a: [1, out, 1, 1], clamped to [0, 1]
 *   y = sigmoid(W2 relu(W1 mean(m) + b1) + b2) * y
 *   y = y * r                                  ELM units only
 *   out = BN2(y) + r
 *
 * The gate needs only the mean of m, so the means of p and y are mixed, not the maps.
 * gate "input": the gate sees u instead of m. gate "none": no mix and no gate, and BN2 only in
 * ELM units. Source: BNext (arXiv 2211.12933).
 */
export function infoRcpUnit(
  b: GraphBuilder,
  key: string,
  unit: Unit,
  settings: UnitSettings,
): string {
  const { r, elm, out, name = key } = unit;
  const products = unitConv(b, key, unit, settings);
  let y = prelu(b, `${key}.activation2`, batchNorm(b, `${key}.norm1`, products));
  if (settings.gate !== "none") y = gated(b, key, y, unit, settings);
  if (elm) y = b.op("mul", [y, r], {}, `${key}.elm`);
  if (settings.gate !== "none" || elm) y = batchNorm(b, `${key}.norm2`, y);
  else if (settings.form !== "real") deadBatchNorm(b, `${key}.norm2`, out);
  return b.op("add", [y, r], {}, name);
}

/** ELM's activated shortcut: PReLU_1(u), live only in ELM units. */
export function activated(b: GraphBuilder, key: string, u: string): string {
  return prelu(b, `${key}.activation1`, u);
}

/** Other units own PReLU_1 too and never run it. */
export function deadActivation(b: GraphBuilder, key: string, channels: number, form: Form): void {
  if (form !== "real") deadPrelu(b, `${key}.activation1`, channels);
}

function unitConv(b: GraphBuilder, key: string, unit: Unit, settings: UnitSettings): string {
  const { u, out, kernel, stride } = unit;
  const conv = { out, kernel, stride };
  const shifted = learnableBias(b, `${key}.move`, u);
  if (settings.form === "real") return conv2d(b, `${key}.binary_conv`, shifted, conv);
  const { estimator = "clip", weightEstimator = "identity" } = settings;
  const signOptions = { estimator, range: clipRange };
  const signs = sign(b, `${key}.binary_activation`, shifted, signOptions);
  if (settings.form === "step1") return conv2d(b, `${key}.binary_conv`, signs, conv);
  temperatureMirror(b, `${key}.binary_activation`);
  return binaryConv2d(b, `${key}.binary_conv`, signs, {
    ...conv,
    init: { kind: "normal", std: settings.latentStd ?? publishedLatentStd },
    binarizer: {
      scale: "none",
      estimator: weightEstimator,
      range: clipRange,
      threshold: settings.threshold,
      latentRange: clipRange,
    },
  });
}

function gated(
  b: GraphBuilder,
  key: string,
  y: string,
  unit: Unit,
  settings: UnitSettings,
): string {
  const { u, out } = unit;
  const seen = settings.gate === "input" ? mean(b, `${key}.se.se.0`, u) : mixed(b, key, y, unit);
  const { seReduction: reduction, gateBits: bits } = settings;
  const gate = squeezeExcite(b, `${key}.se.se`, seen, { out, reduction, bits });
  return b.op("mul", [gate, y], {}, `${key}.gate`);
}

function mixed(b: GraphBuilder, key: string, y: string, { p, out, clampScale }: Unit): string {
  const scale = b.tensor(`${key}.scale`, {
    shape: [1, out, 1, 1],
    kind: "parameter",
    role: "other",
    init: { kind: "constant", value: 0.5 },
  });
  const a = clampInPlace(b, scale, { low: 0, high: 1, when: clampScale });
  const means = [mean(b, `${key}.mix.p`, p), mean(b, `${key}.mix.y`, y)];
  return b.op("mix", [...means, a], {}, `${key}.mix`);
}

function mean(b: GraphBuilder, name: string, x: string): string {
  return b.op("global-average-pool", [x], {}, name);
}

import type { GraphBuilder } from "../graph/builder.js";
import { defaultInit } from "../graph/layers.js";
import type { Init, TensorRole } from "../graph/types.js";

/** Bits of weights and of what they meet, and whether that has a sign; an image has 8 bits of its own. */
export interface Grid {
  readonly bits: number;
  readonly input: "signed" | "positive" | "image";
}

/**
 * What clips the inputs of real layers. AQT finds bounds from statistics early in training and keeps them; which came out
 * was not found, so it is here the 3 that the network's signs have, three deviations of what a batch-norm gives.
 */
const clip = 3;

/**
 * A number on a grid of whole multiples, with a gradient where it is not clipped.
 *
 *   signed     y = round(clamp(x, -3, 3) / s) s        s = 3 / (2^(bits-1) - 1)
 *   positive   y = clamp(floor(x / s), 0, 2^bits - 1) s        s = 3 / 2^bits; of whole numbers x / s, either neighbour
 *
 * Source: google/aqt at 4899e8a, aqt/jax_legacy/jax/primitives.py, which rounds halves up.
 */
export function onGrid(b: GraphBuilder, name: string, x: string, { bits, input }: Grid): string {
  if (input === "signed") {
    const levels = 2 ** (bits - 1) - 1;
    const clipped = b.op("clamp", [x], { low: -clip, high: clip, when: "always" }, `${name}.clip`);
    const scaled = b.op("mul", [clipped, b.constant(levels / clip)], {}, `${name}.scaled`);
    const whole = b.op("round", [scaled], {}, `${name}.round`);
    return b.op("mul", [whole, b.constant(clip / levels)], {}, name);
  }
  const scaled = b.op("mul", [x, b.constant(2 ** bits / clip)], {}, `${name}.scaled`);
  const lowered = b.op("sub", [scaled, b.constant(0.5)], {}, `${name}.lowered`);
  const whole = b.op("round", [lowered], {}, `${name}.round`);
  const bounds = { low: 0, high: 2 ** bits - 1, when: "always" } as const;
  const clipped = b.op("clamp", [whole], bounds, `${name}.clip`);
  return b.op("mul", [clipped, b.constant(clip / 2 ** bits)], {}, name);
}

/** A real convolution whose weights and input may be on grids. */
export interface GridConv {
  readonly out: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly groups?: number;
  readonly padding?: number;
  readonly bias?: boolean;
  readonly role: TensorRole;
  /** Absent: neither weights nor input are quantised. */
  readonly grid?: Grid;
}

/** `${key}.weight` [O, C / groups, K, K], where asked for `${key}.bias` [O]. */
export function gridConv(b: GraphBuilder, key: string, x: string, conv: GridConv): string {
  const { out, kernel, stride = 1, groups = 1, padding = 0, bias = false, role, grid } = conv;
  const shape = [out, b.shape(x)[1] / groups, kernel, kernel];
  const init = defaultInit(shape);
  const stored = b.tensor(`${key}.weight`, { shape, kind: "parameter", role, init });
  const attrs = { stride: [stride, stride], padding: [padding, padding], groups };
  const sources = quantised(b, key, [x, stored], grid);
  if (!bias) return b.op("conv", sources, attrs, key);
  const spec = { shape: [out], kind: "parameter", role, init } as const;
  const products = b.op("conv", sources, attrs, `${key}.conv`);
  return b.op("bias", [products, b.tensor(`${key}.bias`, spec)], {}, key);
}

/** `${key}.weight` [out, F], `${key}.bias` [out]. */
export function gridLinear(
  b: GraphBuilder,
  key: string,
  x: string,
  out: number,
  grid?: Grid,
): string {
  const shape = [out, b.shape(x)[1]];
  const spec = { kind: "parameter", role: "classifier", init: defaultInit(shape) } as const;
  const weight = b.tensor(`${key}.weight`, { ...spec, shape });
  const bias = b.tensor(`${key}.bias`, { ...spec, shape: [out] });
  return b.op("linear", [...quantised(b, key, [x, weight], grid), bias], {}, key);
}

function quantised(
  b: GraphBuilder,
  key: string,
  [x, weight]: readonly [x: string, weight: string],
  grid: Grid | undefined,
): string[] {
  if (!grid) return [x, weight];
  const attrs = { bits: grid.bits, clip: 1, leading: 1, symmetric: true } as const;
  const levels = b.op("quantise-weight", [weight], attrs, `${key}.quantise-weight`);
  if (grid.input === "image") return [x, levels];
  return [onGrid(b, `${key}.quantise`, x, grid), levels];
}

/**
 * DPReLU, a PReLU with a slope on either side and two shifts:
 *
 *   y = slope (x - bias_x) - bias_y        slope: pos_slope[c] where x > bias_x[c], else neg_slope[c]
 *
 * Four entries [1, C, 1, 1]. Source: PokeBNN (arXiv 2112.00133).
 */
export function dprelu(b: GraphBuilder, key: string, x: string): string {
  const entry = (name: string, value: number) => {
    const init: Init = { kind: "constant", value };
    const shape = [1, b.shape(x)[1], 1, 1];
    return b.tensor(`${key}.${name}`, { shape, kind: "parameter", role: "other", init });
  };
  const moved = b.op("sub", [x, entry("bias_x", 0)], {}, `${key}.moved`);
  const above = b.op("relu", [moved], {}, `${key}.above`);
  const below = b.op("minimum", [moved, b.constant(0)], {}, `${key}.below`);
  const [positive, negative] = [
    b.op("mul", [above, entry("pos_slope", 1)], {}, `${key}.positive`),
    b.op("mul", [below, entry("neg_slope", 0.25)], {}, `${key}.negative`),
  ];
  const sum = b.op("add", [positive, negative], {}, `${key}.sum`);
  return b.op("sub", [sum, entry("bias_y", 0)], {}, key);
}

/** Of as many channels as there are in `out` whole groups: the mean of each group of neighbours. */
export function channelMeans(b: GraphBuilder, name: string, x: string, out: number): string {
  const [, channels] = b.shape(x);
  const each = Math.floor(channels / out);
  const part = (value: string, start: number, label: string) => {
    if (start === 0 && b.shape(value)[1] === out) return value;
    return b.op("slice", [value], { axis: 1, start, end: start + out }, `${name}.${label}`);
  };
  if (each === 1) return part(x, 0, "first");
  const whole =
    channels === each * out
      ? x
      : b.op("slice", [x], { axis: 1, start: 0, end: each * out }, `${name}.whole`);
  const dealt = b.op("channel-shuffle", [whole], { groups: out }, `${name}.dealt`);
  const parts = Array.from({ length: each }, (_, i) => part(dealt, i * out, `${i}`));
  const sum = parts.reduce((total, one) => b.op("add", [total, one]));
  return b.op("mul", [sum, b.constant(1 / each)], {}, name);
}

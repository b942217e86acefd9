import { UsageError } from "../errors.js";
import type { GraphBuilder } from "../graph/builder.js";
import { batchNorm, conv2d, sign } from "../graph/layers.js";
import { roundHalfToEven } from "../program/quantiser.js";
import type { Form } from "./options.js";
import { unscaledConv } from "./unscaled-conv.js";

/** Gradient window of signs and weights, of BinaryDenseNet and MeliusNet. */
const window = 1.3;

/** Maps whose channels, one after the other, are a block's input. */
export type Parts = readonly string[];

/** How a dense block's convolutions are. */
export interface DenseStyle {
  readonly form: Form;
  /** Channels that each adds. */
  readonly growth: number;
  readonly padValue: -1 | 0;
}

export function joined(b: GraphBuilder, parts: Parts, name: string): string {
  return parts.length === 1 ? parts[0] : b.op("concat", [...parts], { axis: 1 }, name);
}

/** `${key}.bn`, sign, `${key}.conv`: BinConv3x3(sign(BN(x))), of `growth` channels. */
export function denseConv(
  b: GraphBuilder,
  key: string,
  parts: Parts,
  { form, growth, padValue }: DenseStyle,
): string {
  const x = joined(b, parts, `${key}.input`);
  const normed = batchNorm(b, `${key}.bn`, x);
  const signs =
    form === "real" ? normed : sign(b, `${key}.sign`, normed, { estimator: "clip", range: window });
  const conv = { out: growth, kernel: 3 };
  return unscaledConv(b, `${key}.conv`, signs, conv, { form, range: window, padValue });
}

/** What stands between two stages. */
export interface Transition {
  readonly out: number;
  /** Of the 1x1 convolution. */
  readonly groups?: number;
  /** Groups of a channel shuffle in front of it. */
  readonly shuffled?: number;
}

/** conv1x1(relu(maxpool2(BN(x)))), in groups behind a channel shuffle where asked for: `${key}.bn`, `${key}.conv`. */
export function denseTransition(
  b: GraphBuilder,
  key: string,
  parts: Parts,
  { out, groups, shuffled }: Transition,
): string {
  const normed = batchNorm(b, `${key}.bn`, joined(b, parts, `${key}.input`));
  const [, , height, width] = b.shape(normed);
  if (height % 2 || width % 2) {
    throw new UsageError(
      `${key}: a ${height}x${width} map cannot be halved: choose an input size that is a multiple of the network's total stride`,
    );
  }
  const halving = { kernel: [2, 2], stride: [2, 2], padding: [0, 0] };
  const pooled = b.op("max-pool", [normed], halving, `${key}.pool`);
  const positive = b.op("relu", [pooled], {}, `${key}.relu`);
  const dealt =
    shuffled === undefined
      ? positive
      : b.op("channel-shuffle", [positive], { groups: shuffled }, `${key}.shuffle`);
  return conv2d(b, `${key}.conv`, dealt, { out, kernel: 1, groups, role: "shortcut" });
}

/** relu(BN(x)): `norm`, what the classifier sees. */
export function denseEnd(b: GraphBuilder, parts: Parts): string {
  return b.op("relu", [batchNorm(b, "norm", joined(b, parts, "norm.input"))], {}, "relu");
}

/** Channels behind a transition: a multiple of 32, at least that. */
export function reducedTo(features: number, reduction: number): number {
  return Math.max(1, roundHalfToEven(Math.floor(features / reduction) / 32)) * 32;
}

import type { Node } from "../graph/types.js";
import type { BatchNormAttributes } from "../ops/batch-norm.js";
import type { BinaryConvAttributes } from "../ops/binary-conv.js";
import type { ChannelShuffleAttributes } from "../ops/channel-shuffle.js";
import type { DilatedConvAttributes } from "../ops/conv-geometry.js";
import type { LogicAttributes } from "../ops/logic.js";
import type { PadAttributes } from "../ops/pad.js";
import type { PoolAttributes } from "../ops/pool-geometry.js";
import type { QuantiseAttributes } from "../ops/quantise-rules.js";
import type { ReplicatePadAttributes } from "../ops/replicate-pad.js";
import type { SliceAttributes } from "../ops/slice.js";
import { isPadded } from "../program/geometry.js";
import type { PadValue } from "../program/types.js";
import { binaryWeights } from "./binary-weights.js";
import {
  constantVector,
  elementWise,
  identity,
  MAX_FLOAT32,
  sameSize,
  type Translator,
  unary,
} from "./element-wise.js";
import {
  isBits,
  type PackNode,
  type PackOp,
  type PerChannel,
  type RealWeight,
  type Window,
} from "./network.js";
import { realWeight } from "./real-weights.js";
import { cannotPack, type Translation } from "./translate.js";

const shift = (values: PerChannel): PackOp => ({ kind: "affine", shift: values });
const scale = (values: PerChannel): PackOp => ({ kind: "affine", scale: values });

/** y = x s + t with s = weight / sqrt(var + epsilon), t = bias - mean s. */
const batchNorm = unary((t, node) => {
  const { epsilon } = node.attrs as BatchNormAttributes;
  const [weight, bias, mean, variance] = [1, 2, 3, 4].map((i) => constantVector(t, node, i));
  const scales = weight.map((w, c) => w / Math.sqrt(variance[c] + epsilon));
  return { kind: "affine", scale: scales, shift: bias.map((b, c) => b - mean[c] * scales[c]) };
});

const binaryConv: Translator = (t, node) => {
  const attrs = node.attrs as BinaryConvAttributes;
  const kernel = t.source.shapes.get(node.inputs[1])!.slice(2);
  const { input, value, ...window } = windowOf(t, node, kernel);
  if (!isBits(input)) {
    throw cannotPack(node, `its input "${node.inputs[0]}" is not the output of a sign`);
  }
  const { bits, magnitudes } = binaryWeights(node.inputs[1], t.constants, t.zeroWeights);
  const op: PackOp = {
    kind: "binary-conv",
    weight: bits,
    groups: attrs.groups,
    padValue: padValueOf(node, value ?? attrs.padValue),
    ...(attrs.dilation?.some((d) => d > 1) && { dilation: attrs.dilation }),
    ...window,
  };
  if (magnitudes.every((m) => m === 1)) return t.add(node, op, [input]);
  return t.add(node, scale(magnitudes), [t.addPart(node, "sum", op, [input])]);
};

const replicatePad: Translator = (t, node) => {
  const { padding, paddingEnd = padding } = node.attrs as ReplicatePadAttributes;
  const around = { before: padding, after: paddingEnd, value: "replicate" } as const;
  t.skip(node, { padded: t.input(node, 0), ...around });
  return undefined;
};

const conv: Translator = (t, node) => {
  const { groups, dilation = [1, 1] } = node.attrs as DilatedConvAttributes;
  const [outs, channels, ...kernel] = t.source.shapes.get(node.inputs[1])!;
  const given = realWeight(t.constants, node.inputs[1], [outs, channels, kernel[0] * kernel[1]]);
  const [weight, kh, kw] = dilatedWeight(given, kernel, { outs, channels, dilation });
  const { input: source, value, ...window } = windowOf(t, node, [kh, kw]);
  checkPadValue(node, value, (x) => x === 0, "0");
  const input = t.asFloat(source);
  const dense = isVector(input) && kh * kw * groups === 1;
  if (dense && !isPadded(window)) return t.add(node, { kind: "linear", weight }, [input]);
  return t.add(node, { kind: "conv", weight, groups, ...window }, [input]);
};

/** With zeros between the kernel's positions: steps of real convolutions have no dilation. */
function dilatedWeight(
  weight: RealWeight,
  [kh, kw]: readonly number[],
  { outs, channels, dilation }: { outs: number; channels: number; dilation: readonly number[] },
): [weight: RealWeight, height: number, width: number] {
  const [height, width] = [(kh - 1) * dilation[0] + 1, (kw - 1) * dilation[1] + 1];
  if (height === kh && width === kw) return [weight, kh, kw];
  const data = new Float32Array(outs * height * width * channels);
  for (let from = 0; from < weight.data.length; from += channels) {
    const [o, tap] = [Math.floor(from / channels / (kh * kw)), (from / channels) % (kh * kw)];
    const [y, x] = [Math.floor(tap / kw) * dilation[0], (tap % kw) * dilation[1]];
    const to = ((o * height + y) * width + x) * channels;
    data.set(weight.data.subarray(from, from + channels), to);
  }
  return [{ data }, height, width];
}

/** One pixel, and not the program's input, which is a map whatever its size. */
const isVector = ({ shape: [h, w], op }: PackNode) => h * w === 1 && op.kind !== "input";

/** On a flattened map: a convolution whose kernel is the map. */
const linear: Translator = (t, node) => {
  const value = t.raw(node, 0);
  const [outs] = t.source.shapes.get(node.inputs[1])!;
  const input = t.asFloat("flattened" in value ? value.flattened : t.input(node, 0));
  const [h, w, channels] = input.shape;
  const weight = realWeight(t.constants, node.inputs[1], [outs, channels, h * w]);
  const geometry = { kernel: [h, w], stride: [1, 1], padding: [0, 0] } as const;
  const op: PackOp = isVector(input)
    ? { kind: "linear", weight }
    : { kind: "conv", weight, groups: 1, ...geometry };
  if (node.inputs.length < 3) return t.add(node, op, [input]);
  return t.add(node, shift(constantVector(t, node, 2)), [t.addPart(node, "product", op, [input])]);
};

/** A window and the map that it moves over; value: what a padding node put around that. */
function windowOf(
  t: Translation,
  node: Node,
  kernel: readonly number[],
): Window & { readonly input: PackNode; readonly value?: number | "replicate" } {
  const { stride, padding } = node.attrs as Pick<PoolAttributes, "stride" | "padding">;
  if (kernel.length !== 2) throw cannotPack(node, `kernel [${kernel}] must be [height, width]`);
  const window = { kernel: [kernel[0], kernel[1]], stride, padding } as const;
  const read = t.raw(node, 0);
  if (!("padded" in read)) return { ...window, input: t.input(node, 0) };
  if (isPadded(window)) throw cannotPack(node, "pads a map that is padded already");
  const { padded: input, before, after, value } = read;
  const even = before.join() === after.join();
  return { ...window, input, value, padding: before, ...(!even && { paddingEnd: after }) };
}

function padValueOf(node: Node, value: number | "replicate"): PadValue {
  if (value === "replicate") return value;
  checkPadValue(node, value, (x) => x === 0 || x === 1 || x === -1, "0, 1 or -1");
  return value as PadValue;
}

function checkPadValue(
  node: Node,
  value: number | "replicate" | undefined,
  fits: (value: number) => boolean,
  wanted: string,
): void {
  if (value === undefined || (value !== "replicate" && fits(value))) return;
  const given = value === "replicate" ? "its own border" : value;
  throw cannotPack(node, `reads a map padded with ${given}; ${wanted} is wanted`);
}

/** The maximum skips what is padded, which any number does that is not above the others. */
const pool =
  (mode: "max" | "average"): Translator =>
  (t, node) => {
    const { input, value, ...window } = windowOf(t, node, (node.attrs as PoolAttributes).kernel);
    const op = { kind: "pool", mode, ...window } as const;
    const bits = isBits(input);
    const least = bits ? -1 : -MAX_FLOAT32;
    if (mode === "max") checkPadValue(node, value, (x) => x <= least, `${least}`);
    else checkPadValue(node, value, (x) => x === 0, "0");
    if (mode === "max" && bits) return t.addBits(node, op, [input]);
    return t.add(node, op, [t.asFloat(input)]);
  };

/** sign(x + b) compares x with -b: the same for every float32, and the sum is never written. */
const sign: Translator = (t, node) => {
  const zero = node.attrs.zero as 1 | -1;
  const input = t.input(node, 0);
  const bits = (threshold: PerChannel): PackOp => ({ kind: "bits", threshold, zero });
  const { op } = input;
  if (op.kind !== "affine" || !op.shift || op.scale) {
    return t.add(node, bits(new Float64Array(input.shape[2])), [input]);
  }
  const threshold = op.shift.map((b) => 0 - Math.fround(b));
  return t.add(node, bits(threshold), input.inputs, input.covers);
};

type Combine = (constant: PerChannel, constantIndex: 0 | 1) => PackOp | undefined;

/** An op of two values, or of a value and a constant. */
function binary(
  node: Node,
  t: Translation,
  both: (a: PackNode, b: PackNode) => PackNode,
  withConstant: Combine,
  otherwise = "its constant has no packed form",
): PackNode {
  const index = ([0, 1] as const).find((i) => t.constants.has(node.inputs[i]));
  if (index === undefined) return both(t.input(node, 0), t.input(node, 1));
  const op = withConstant(t.perChannel(node, index), index);
  if (!op) throw cannotPack(node, otherwise);
  const input = t.input(node, 1 - index);
  if (input.shape.join() !== t.shape(node).join()) {
    throw cannotPack(node, `its constant stretches [${input.shape}] (H, W, C)`);
  }
  return t.add(node, op, [input]);
}

const negative = (values: PerChannel) => values.map((x) => -x);
const filled = (like: PerChannel, value: number) => new Float64Array(like.length).fill(value);

const combine = (op: "add" | "mul" | "max" | "min"): PackOp => ({
  kind: "element-wise",
  op,
  parameters: [],
});

const add: Translator = (t, node) =>
  binary(node, t, (a, b) => t.add(node, combine("add"), sameSize(t, node, a, b)), shift);

const mul: Translator = (t, node) =>
  binary(node, t, (a, b) => t.add(node, combine("mul"), sameSize(t, node, a, b)), scale);

const sub: Translator = (t, node) =>
  binary(
    node,
    t,
    (a, b) => {
      const minus = t.addPart(node, "negative", scale(new Float64Array(b.shape[2]).fill(-1)), [b]);
      return t.add(node, combine("add"), sameSize(t, node, a, minus));
    },
    (c, index) =>
      index === 1 ? shift(negative(c)) : { kind: "affine", scale: filled(c, -1), shift: c },
  );

const div: Translator = (t, node) =>
  binary(
    node,
    t,
    () => {
      throw cannotPack(node, "one value cannot be divided by another");
    },
    (c, index) => (index === 1 ? scale(c.map((x) => 1 / x)) : undefined),
    "a constant cannot be divided by a value",
  );

/** Signs of signs. */
const logic: Translator = (t, node) => {
  const { gate } = node.attrs as LogicAttributes;
  const inputs = sameSize(t, node, t.input(node, 0), t.input(node, 1));
  if (inputs.every(isBits)) return t.addBits(node, combine(GATES[gate]), inputs);
  throw cannotPack(node, "its inputs are not both outputs of a sign");
};

const GATES = { and: "min", or: "max", xnor: "mul" } as const;

/** The larger or the smaller of two values; of a value and one number, a clamp. */
const extremum =
  (op: "max" | "min"): Translator =>
  (t, node) =>
    binary(
      node,
      t,
      (a, b) => t.add(node, combine(op), sameSize(t, node, a, b)),
      ([first, ...others]) => {
        if (others.some((x) => x !== first)) return undefined;
        const [low, high] = [-MAX_FLOAT32, MAX_FLOAT32].map((x) =>
          op === "max" ? Math.max(x, first) : Math.min(x, first),
        );
        const parameters = [Math.fround(low) + 0, Math.fround(high) + 0];
        return { kind: "element-wise", op: "clamp", parameters };
      },
      "of constants, only a single number",
    );

/** [1, C, 1, 1] and [1, C] are one vector here; [1, C, H, W] to [1, C H W] waits for a linear. */
const reshape: Translator = (t, node) => {
  const value = t.raw(node, 0);
  if ("padded" in value) return t.input(node, 0);
  const { shape } = "flattened" in value ? value.flattened : value;
  const wanted = t.source.shapes.get(node.name)!;
  const same = [1, shape[2], shape[0], shape[1]].join() === wanted.join();
  const asVector = shape[0] * shape[1] === 1 && sizeBehindBatch(wanted) === wanted[1];
  const flat = wanted.length === 2 && wanted[0] === 1;
  const apart = [1, shape[0] * shape[1] * shape[2], 1, 1].join() === wanted.join();
  if ("flattened" in value ? flat : same || asVector) t.skip(node, value);
  else if (apart && !("flattened" in value)) return elementsAsChannels(t, node, value);
  else if (flat && !("flattened" in value)) t.skip(node, { flattened: value });
  else
    throw cannotPack(
      node,
      `[${shape}] (H, W, C) becomes [${wanted}]; only flattening can be packed`,
    );
  return undefined;
};

/** One pixel whose channels are the map's elements in the order C, H, W. */
function elementsAsChannels(t: Translation, node: Node, map: PackNode): PackNode {
  const [h, w] = map.shape;
  return moved(t, node, map, { first: 0, dealt: h * w, whole: true });
}

/** Channels in another order; bits stay bits. */
function moved(
  t: Translation,
  node: Node,
  input: PackNode,
  order: Order,
  absorbed: readonly string[] = [],
): PackNode {
  const op: PackOp = { kind: "shuffle", ...order };
  return isBits(input)
    ? t.addBits(node, op, [input], absorbed)
    : t.add(node, op, [input], absorbed);
}

type Order = Omit<Extract<PackOp, { readonly kind: "shuffle" }>, "kind">;

const sizeBehindBatch = (shape: readonly number[]) => shape.slice(1).reduce((n, dim) => n * dim, 1);

const concat: Translator = (t, node) => {
  const rank = t.source.shapes.get(node.name)!.length;
  const axis = node.attrs.axis as number;
  if ((axis < 0 ? axis + rank : axis) !== 1)
    throw cannotPack(node, `axis ${axis}: only channels (1)`);
  const inputs = node.inputs.map((_, i) => t.input(node, i));
  const values = inputs.every(isBits) ? inputs : inputs.map((input) => t.asFloat(input));
  return t.add(node, { kind: "concat" }, values);
};

const quantise: Translator = (t, node) => {
  const { bits, clip, leading } = node.attrs as QuantiseAttributes;
  const group = leading === 1 ? "image" : "channel";
  return t.add(node, { kind: "quantise", bits, clip, group }, [t.floatInput(node, 0)]);
};

/** Rows and columns wait for their reader. Channels of zeros lie around those of x. */
const pad: Translator = (t, node) => {
  const { before, after, value } = node.attrs as PadAttributes;
  if (before.length === 4 && [0, 1].every((i) => before[i] + after[i] === 0)) {
    const [top, left, bottom, right] = [...before.slice(2), ...after.slice(2)];
    const around = { before: [top, left], after: [bottom, right], value } as const;
    t.skip(node, { padded: t.input(node, 0), ...around });
    return undefined;
  }
  const isChannels = before.length === 4 && [0, 2, 3].every((i) => before[i] + after[i] === 0);
  if (!isChannels || value !== 0)
    throw cannotPack(node, "only channels of zeros, or rows and columns can be added");
  const order = { first: 0 - before[1], dealt: 1, whole: false };
  return moved(t, node, t.floatInput(node, 0), order);
};

const slice: Translator = (t, node) => {
  const { axis, start } = node.attrs as SliceAttributes;
  const { length: rank } = t.source.shapes.get(node.inputs[0])!;
  if ((axis < 0 ? axis + rank : axis) !== 1)
    throw cannotPack(node, `axis ${axis}: only channels (1)`);
  const input = t.input(node, 0);
  const first = start < 0 ? start + input.shape[2] : start;
  const { op, inputs } = isBits(input) && input.op.kind === "bits" ? input.inputs[0] : input;
  if (op.kind !== "shuffle") return moved(t, node, input, { first, dealt: 1, whole: false });
  // Some channels of those in another order.
  const order = { first: op.first + first, dealt: op.dealt, whole: op.whole };
  return moved(t, node, inputs[0], order, input.covers);
};

const channelShuffle: Translator = (t, node) => {
  const { groups: dealt } = node.attrs as ChannelShuffleAttributes;
  return moved(t, node, t.input(node, 0), { first: 0, dealt, whole: false });
};

const mean: Translator = (t, node) => {
  const rank = t.source.shapes.get(node.inputs[0])!.length;
  const axes = ((node.attrs.axes as readonly number[]) ?? []).map((a) => (a < 0 ? a + rank : a));
  if (rank !== 4 || [...axes].sort().join() !== "2,3") {
    throw cannotPack(node, `axes [${axes}]: only the mean over height and width (2, 3)`);
  }
  return t.mean(node);
};

/** How each graph op is packed. */
export const translators: { readonly [op: string]: Translator } = {
  ...elementWise,
  "binary-conv": binaryConv,
  conv,
  linear,
  "average-pool": pool("average"),
  "max-pool": pool("max"),
  "global-average-pool": (t, node) => t.mean(node),
  mean,
  sign,
  "batch-norm": batchNorm,
  bias: unary((t, node) => shift(constantVector(t, node, 1))),
  neg: unary((t, node) => scale(new Float64Array(t.shape(node)[2]).fill(-1))),
  add,
  sub,
  mul,
  div,
  concat,
  "channel-shuffle": channelShuffle,
  logic,
  maximum: extremum("max"),
  minimum: extremum("min"),
  "replicate-pad": replicatePad,
  pad,
  slice,
  quantise,
  detach: identity,
  reshape,
};

import type { Node } from "../graph/types.js";
import type { BatchNormAttributes } from "../ops/batch-norm.js";
import type { BinaryConvAttributes } from "../ops/binary-conv.js";
import type { ConvAttributes } from "../ops/conv-geometry.js";
import type { PadAttributes } from "../ops/pad.js";
import type { PoolAttributes } from "../ops/pool-geometry.js";
import type { QuantiseAttributes } from "../ops/quantise-rules.js";
import { binaryWeights } from "./binary-weights.js";
import {
  constantVector,
  elementWise,
  identity,
  sameSize,
  type Translator,
  unary,
} from "./element-wise.js";
import { isBits, type PackNode, type PackOp, type PerChannel } from "./network.js";
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
  const input = t.input(node, 0);
  if (!isBits(input)) {
    throw cannotPack(node, `its input "${node.inputs[0]}" is not the output of a sign`);
  }
  const { bits, magnitudes } = binaryWeights(node.inputs[1], t.constants, t.zeroWeights);
  const op: PackOp = {
    kind: "binary-conv",
    weight: bits,
    groups: attrs.groups,
    padValue: attrs.padValue,
    ...window(node, t.source.shapes.get(node.inputs[1])!.slice(2), attrs),
  };
  if (magnitudes.every((m) => m === 1)) return t.add(node, op, [input]);
  return t.add(node, scale(magnitudes), [t.addPart(node, "sum", op, [input])]);
};

const conv: Translator = (t, node) => {
  const { groups, ...attrs } = node.attrs as ConvAttributes;
  const input = t.floatInput(node, 0);
  const [outs, channels, kh, kw] = t.source.shapes.get(node.inputs[1])!;
  const weight = realWeight(t.constants, node.inputs[1], [outs, channels, kh * kw]);
  const dense = isVector(input) && kh * kw * groups === 1;
  if (dense && attrs.padding.every((p) => p === 0))
    return t.add(node, { kind: "linear", weight }, [input]);
  return t.add(node, { kind: "conv", weight, groups, ...window(node, [kh, kw], attrs) }, [input]);
};

/** One pixel, and not the program's input, which is a map whatever its size. */
const isVector = ({ shape: [h, w], op }: PackNode) => h * w === 1 && op.kind !== "input";

/** On a flattened map: a convolution whose kernel is the map. */
const linear: Translator = (t, node) => {
  const value = t.raw(node, 0);
  const [outs] = t.source.shapes.get(node.inputs[1])!;
  const input = t.asFloat("flattened" in value ? value.flattened : value);
  const [h, w, channels] = input.shape;
  const weight = realWeight(t.constants, node.inputs[1], [outs, channels, h * w]);
  const geometry = { kernel: [h, w], stride: [1, 1], padding: [0, 0] } as const;
  const op: PackOp = isVector(input)
    ? { kind: "linear", weight }
    : { kind: "conv", weight, groups: 1, ...geometry };
  if (node.inputs.length < 3) return t.add(node, op, [input]);
  return t.add(node, shift(constantVector(t, node, 2)), [t.addPart(node, "product", op, [input])]);
};

function window(
  node: Node,
  kernel: readonly number[],
  { stride, padding }: Pick<PoolAttributes, "stride" | "padding">,
) {
  if (kernel.length !== 2) throw cannotPack(node, `kernel [${kernel}] must be [height, width]`);
  return { kernel: [kernel[0], kernel[1]], stride, padding } as const;
}

const pool =
  (mode: "max" | "average"): Translator =>
  (t, node) => {
    const attrs = node.attrs as PoolAttributes;
    return t.add(node, { kind: "pool", mode, ...window(node, attrs.kernel, attrs) }, [
      t.floatInput(node, 0),
    ]);
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
): PackNode {
  const index = ([0, 1] as const).find((i) => t.constants.has(node.inputs[i]));
  if (index === undefined) return both(t.input(node, 0), t.input(node, 1));
  const op = withConstant(t.perChannel(node, index), index);
  if (!op) throw cannotPack(node, "a constant cannot be divided by a value");
  const input = t.input(node, 1 - index);
  if (input.shape.join() !== t.shape(node).join()) {
    throw cannotPack(node, `its constant stretches [${input.shape}] (H, W, C)`);
  }
  return t.add(node, op, [input]);
}

const negative = (values: PerChannel) => values.map((x) => -x);
const filled = (like: PerChannel, value: number) => new Float64Array(like.length).fill(value);

const combine = (op: "add" | "mul"): PackOp => ({ kind: "element-wise", op, parameters: [] });

const add: Translator = (t, node) =>
  binary(node, t, (a, b) => t.add(node, combine("add"), sameSize(node, a, b)), shift);

const mul: Translator = (t, node) =>
  binary(node, t, (a, b) => t.add(node, combine("mul"), sameSize(node, a, b)), scale);

const sub: Translator = (t, node) =>
  binary(
    node,
    t,
    (a, b) => {
      const minus = t.addPart(node, "negative", scale(new Float64Array(b.shape[2]).fill(-1)), [b]);
      return t.add(node, combine("add"), sameSize(node, a, minus));
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
  );

/** [1, C, 1, 1] and [1, C] are one vector here; [1, C, H, W] to [1, C H W] waits for a linear. */
const reshape: Translator = (t, node) => {
  const value = t.raw(node, 0);
  const { shape } = "flattened" in value ? value.flattened : value;
  const wanted = t.source.shapes.get(node.name)!;
  const same = [1, shape[2], shape[0], shape[1]].join() === wanted.join();
  const asVector = shape[0] * shape[1] === 1 && sizeBehindBatch(wanted) === wanted[1];
  const flat = wanted.length === 2 && wanted[0] === 1;
  if ("flattened" in value ? flat : same || asVector) t.skip(node, value);
  else if (flat && !("flattened" in value)) t.skip(node, { flattened: value });
  else
    throw cannotPack(
      node,
      `[${shape}] (H, W, C) becomes [${wanted}]; only flattening can be packed`,
    );
  return undefined;
};

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

/** Channels of zeros around those of x: a 1x1 convolution whose weights are ones and zeros. */
const pad: Translator = (t, node) => {
  const { before, after, value } = node.attrs as PadAttributes;
  const isChannels = before.length === 4 && [0, 2, 3].every((i) => before[i] + after[i] === 0);
  if (!isChannels || value !== 0) throw cannotPack(node, "only channels of zeros can be added");
  const input = t.floatInput(node, 0);
  const channels = input.shape[2];
  const outs = channels + before[1] + after[1];
  const data = new Float32Array(outs * channels);
  for (let c = 0; c < channels; c++) data[(before[1] + c) * channels + c] = 1;
  const geometry = { kernel: [1, 1], stride: [1, 1], padding: [0, 0] } as const;
  const op: PackOp = isVector(input)
    ? { kind: "linear", weight: { data } }
    : { kind: "conv", weight: { data }, groups: 1, ...geometry };
  return t.add(node, op, [input]);
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
  pad,
  quantise,
  detach: identity,
  reshape,
};

import type { Node } from "../graph/types.js";
import type { ClampAttributes } from "../ops/clamp.js";
import type { ComputingName } from "../program/micro-ops.js";
import type { TensorKey, ValueId } from "../program/types.js";
import type { PackNode, PackOp, PerChannel } from "./network.js";
import { vector } from "./per-channel.js";
import { cannotPack, type Translation } from "./translate.js";
import type { UnpackedValues } from "./unpack-values.js";

/** What a graph node becomes; nothing where it passes its input on. */
export type Translator = (t: Translation, node: Node) => PackNode | undefined;

/** An element-wise op on one input. */
export const unary =
  (op: (t: Translation, node: Node) => PackOp): Translator =>
  (t, node) =>
    t.add(node, op(t, node), [t.input(node, 0)]);

export const constantVector = (t: Translation, node: Node, index: number): PerChannel =>
  vector(t.constants.get(node.inputs[index]));

/** Maps of the same size, or one of them of one pixel. */
export function sameSize(
  t: Translation,
  node: Node,
  a: PackNode,
  b: PackNode,
): [PackNode, PackNode] {
  const [first, second] = node.inputs.map((input) => t.source.shapes.get(input)!);
  if (first.length !== second.length) {
    throw cannotPack(
      node,
      `[${first}] and [${second}] do not combine: broadcasting counts axes from the last`,
    );
  }
  const fits =
    a.shape[2] === b.shape[2] &&
    [a, b].some((x) => x.shape[0] * x.shape[1] === 1 || a.shape.join() === b.shape.join());
  if (fits) return [a, b];
  throw cannotPack(node, `maps of [${a.shape}] and [${b.shape}] (H, W, C) do not combine`);
}

const mix: Translator = (t, node) => {
  if (!t.constants.has(node.inputs[2]))
    throw cannotPack(node, "its third input must be a constant");
  const amount = { label: "amount", values: t.perChannel(node, 2) };
  const inputs = sameSize(t, node, t.input(node, 0), t.input(node, 1));
  return t.add(node, { kind: "element-wise", op: "mix", parameters: [amount] }, inputs);
};

export const MAX_FLOAT32 = 3.4028234663852886e38;

const clamp: Translator = (t, node) => {
  const { low, high, when } = node.attrs as ClampAttributes;
  if (when === "training") return identity(t, node);
  const bound = (x: number) => Math.fround(Math.min(Math.max(x, -MAX_FLOAT32), MAX_FLOAT32)) + 0;
  const parameters = [bound(low), bound(high)];
  return t.add(node, { kind: "element-wise", op: "clamp", parameters }, [t.input(node, 0)]);
};

export const identity: Translator = (t, node) => {
  t.skip(node, t.raw(node, 0));
  return undefined;
};

const plain = (op: ComputingName) => unary(() => ({ kind: "element-wise", op, parameters: [] }));

/** Graph ops that are micro-ops. Sums and products have constants as well: translators.ts. */
export const elementWise: { readonly [op: string]: Translator } = {
  prelu: unary((t, node) => {
    const slope = { label: "slope", values: constantVector(t, node, 1) };
    return { kind: "element-wise", op: "prelu", parameters: [slope] };
  }),
  relu: plain("relu"),
  sigmoid: plain("sigmoid"),
  "hard-sigmoid": plain("hard-sigmoid"),
  round: plain("round"),
  clamp,
  mix,
};

/** What a micro-op is as graph nodes: its operands in order, registers as the values they hold. */
type Unpacker = (u: {
  readonly values: UnpackedValues;
  /** Values of registers, keys of tensors, numbers. */
  readonly operands: readonly (string | TensorKey | number)[];
  /** Of the node that computes it, and of one on the way. */
  readonly name: string | ValueId;
  readonly inner: (label: string) => string;
}) => string;

const unpacked =
  (op: string): Unpacker =>
  ({ values, operands, name }) =>
    values.op(op, operands as string[], {}, name);

const withVector =
  (op: string): Unpacker =>
  ({ values, operands: [r, v], name }) =>
    values.op(op, [r as string, values.vector(v as TensorKey)], {}, name);

/** The way back: pack(unpack(program)) computes what program does. */
export const unpackers: { readonly [N in ComputingName]: Unpacker } = {
  affine({ values, operands, name, inner }) {
    const [r, s, t] = operands as string[];
    const product = values.op("mul", [r, values.vector(s)], {}, inner("scale"));
    return values.op("add", [product, values.vector(t)], {}, name);
  },
  shift: withVector("add"),
  scale: withVector("mul"),
  prelu({ values, operands, name }) {
    const [r, slope] = operands as string[];
    return values.op("prelu", [r, values.vector(slope, "flat")], {}, name);
  },
  relu: unpacked("relu"),
  sigmoid: unpacked("sigmoid"),
  "hard-sigmoid": unpacked("hard-sigmoid"),
  round: unpacked("round"),
  clamp({ values, operands: [r, low, high], name }) {
    return values.op("clamp", [r as string], { low, high, when: "always" }, name);
  },
  add: unpacked("add"),
  mul: unpacked("mul"),
  max: unpacked("maximum"),
  min: unpacked("minimum"),
  sign({ values, operands: [r, t, zero], name, inner }) {
    const difference = values.above(r as string, t as TensorKey, inner("threshold"));
    return values.op("sign", [difference], { estimator: "clip", range: 1, zero }, name);
  },
  mix({ values, operands, name }) {
    const [p, y, amount] = operands as string[];
    return values.op("mix", [p, y, values.vector(amount)], {}, name);
  },
};

import { OnebitError } from "onebit";
import { defaultInit, type Init, type Shape, type TensorKind, type TensorRole } from "onebit/graph";
import type { SymbolNode } from "../../readers/mxnet/symbol.js";
import { printable } from "../../readers/text.js";
import type { NodeAttributes } from "./attributes.js";
import type { Translation } from "./graph.js";

/** Adds what an operator computes to the graph and returns the name of its value. */
type Operator = (t: Translation, node: SymbolNode, attributes: NodeAttributes) => string;

/** MXNet's operators as graph ops; only what the published networks of BMXNet 1 were checked with. */
export const operators: { readonly [op: string]: Operator } = {
  BatchNorm: batchNorm,
  Convolution: convolution,
  QConvolution: binaryConvolution,
  elemwise_add: (t, node) => t.b.op("add", [t.read(node, 0), t.read(node, 1)], {}, node.name),
  Activation: activation,
  Pooling: pooling,
  Flatten: (t, node) => t.b.op("reshape", [t.read(node, 0)], { shape: [0, -1] }, node.name),
  FullyConnected: fullyConnected,
  SoftmaxOutput: softmaxOutput,
};

const ones: Init = { kind: "constant", value: 1 };
const zeros: Init = { kind: "constant", value: 0 };

interface Stored {
  readonly kind?: TensorKind;
  readonly role: TensorRole;
  readonly init: Init;
}

function stored(
  t: Translation,
  node: SymbolNode,
  place: number,
  shape: Shape,
  { kind = "parameter", role, init }: Stored,
): string {
  return t.b.tensor(t.parameter(node, place), { shape, kind, role, init });
}

/** With fix_gamma (MXNet's default) the stored scale is dead: 1 takes its place. */
function batchNorm(t: Translation, node: SymbolNode, attributes: NodeAttributes): string {
  const x = t.read(node, 0);
  const shape = [t.b.shape(x)[1]];
  const fixed = attributes.flag("fix_gamma", true);
  const epsilon = attributes.positive("eps", 1e-3);
  // MXNet's momentum is the weight of what was, onebit's that of the new batch.
  const momentum = 1 - attributes.positive("momentum", 0.9);
  attributes.flag("use_global_stats", false);
  attributes.only("axis", "1");
  attributes.only("output_mean_var", "False");
  const vector = (place: number, init: Init, kind?: TensorKind) =>
    stored(t, node, place, shape, { kind, role: "norm", init });
  const gamma = vector(1, ones, fixed ? "dead" : "parameter");
  const scale = fixed ? t.b.constant(1, shape) : gamma;
  const [beta, mean, variance] = [
    vector(2, zeros),
    vector(3, zeros, "buffer"),
    vector(4, ones, "buffer"),
  ];
  const inputs = [x, scale, beta, mean, variance];
  const attrs = { epsilon, momentum };
  const [y, newMean, newVariance] = t.b.opOutputs("batch-norm", inputs, attrs, node.name);
  t.b.update(mean, newMean);
  t.b.update(variance, newVariance);
  return y;
}

interface Window {
  readonly weight: Shape;
  readonly attrs: {
    readonly stride: readonly [number, number];
    readonly padding: readonly [number, number];
    readonly groups: number;
  };
}

function windowOf(t: Translation, x: string, attributes: NodeAttributes): Window {
  const kernel = attributes.pair("kernel");
  const stride = attributes.pair("stride", [1, 1]);
  const padding = attributes.pair("pad", [0, 0]);
  const groups = attributes.count("num_group", 1);
  const filters = attributes.count("num_filter");
  if (padding.some((pad, axis) => pad >= kernel[axis])) {
    throw attributes.error("pad", `(${padding.join(", ")})`, "must be smaller than the kernel");
  }
  attributes.only("dilate", "(1, 1)");
  attributes.only("layout", "NCHW");
  const weight = [filters, t.b.shape(x)[1] / groups, ...kernel];
  return { weight, attrs: { stride, padding, groups } };
}

function convolution(t: Translation, node: SymbolNode, attributes: NodeAttributes): string {
  const x = t.read(node, 0);
  const { weight: shape, attrs } = windowOf(t, x, attributes);
  const plain = attributes.flag("no_bias", false);
  const role = t.b.shape(x)[1] === t.input[0] ? "stem" : "other";
  const weight = stored(t, node, 1, shape, { role, init: defaultInit(shape) });
  if (plain) return t.b.op("conv", [x, weight], attrs, node.name);
  const products = t.b.op("conv", [x, weight], attrs, `${node.name}.conv`);
  const bias = stored(t, node, 2, [shape[0]], { role, init: zeros });
  return t.b.op("bias", [products, bias], {}, node.name);
}

/**
 * BMXNet's binary convolution counts equal signs instead of adding products:
 *
 *   y = (n + sum of sign(x) sign(w)) / 2 = popcount(xnor),  n = C KH KW, in 0 .. n
 *
 * The input is padded with zeros before its sign is taken, and sign(0) = +1: padding is +1.
 */
function binaryConvolution(t: Translation, node: SymbolNode, attributes: NodeAttributes): string {
  const x = t.read(node, 0);
  const { weight: shape, attrs } = windowOf(t, x, attributes);
  attributes.only("act_bit", "1");
  attributes.only("weight_bit", "1");
  attributes.only("scaling_factor", "False");
  attributes.only("no_bias", "True", "False");
  checkPacked(node, attributes);
  if (attrs.groups !== 1) throw attributes.error("num_group", `${attrs.groups}`, "only 1 is known");
  const weight = stored(t, node, 1, shape, { role: "binary", init: defaultInit(shape) });
  t.packed.add(weight);
  const binarizer = { scale: "none", estimator: "identity", zero: 1 };
  const signs = t.b.op("binarize-weight", [weight], binarizer, `${node.name}.binarize`);
  const inputs = [t.signsOf(x), signs];
  const sum = t.b.op("binary-conv", inputs, { ...attrs, padValue: 1 }, `${node.name}.sum`);
  const half = t.b.op("mul", [sum, t.b.constant(0.5)], {}, `${node.name}.half`);
  const n = shape[1] * shape[2] * shape[3];
  return t.b.op("add", [half, t.b.constant(n / 2)], {}, node.name);
}

function checkPacked(node: SymbolNode, attributes: NodeAttributes): void {
  if (attributes.flag("binarized_weights_only", false)) return;
  throw new OnebitError(
    `${printable(node.name)} (${printable(node.op)}): its weights are real numbers; pack the network with BMXNet's model converter first`,
  );
}

function activation(t: Translation, node: SymbolNode, attributes: NodeAttributes): string {
  attributes.only("act_type", "relu");
  return t.b.op("relu", [t.read(node, 0)], {}, node.name);
}

/** Over the whole map; the kernel that stands beside `global_pool` says nothing. */
function pooling(t: Translation, node: SymbolNode, attributes: NodeAttributes): string {
  attributes.only("global_pool", "True", "False");
  attributes.only("pool_type", "avg", "max");
  attributes.only("pooling_convention", "valid");
  attributes.pair("kernel", [1, 1]);
  attributes.pair("stride", [1, 1]);
  attributes.pair("pad", [0, 0]);
  return t.b.op("global-average-pool", [t.read(node, 0)], {}, node.name);
}

function fullyConnected(t: Translation, node: SymbolNode, attributes: NodeAttributes): string {
  const x = t.read(node, 0);
  const out = attributes.count("num_hidden");
  const plain = attributes.flag("no_bias", false);
  attributes.flag("flatten", true);
  const shape = [out, t.b.shape(x)[1]];
  const role = "classifier";
  const weight = stored(t, node, 1, shape, { role, init: defaultInit(shape) });
  if (plain) return t.b.op("linear", [x, weight], {}, node.name);
  const bias = stored(t, node, 2, [out], { role, init: zeros });
  return t.b.op("linear", [x, weight, bias], {}, node.name);
}

/** Logits are what it takes; its other input is the label. */
function softmaxOutput(t: Translation, node: SymbolNode): string {
  return t.read(node, 0);
}

import { OnebitError } from "onebit";
import {
  type Estimator,
  type Graph,
  GraphBuilder,
  type Mode,
  type Node,
  opNamed,
  outputNames,
} from "onebit/graph";

/** What is differentiated, and with respect to what. */
export interface GradientOptions {
  /** Output or value name of the scalar that is differentiated. */
  readonly loss: string;
  /** Tensor keys; by default every parameter that the loss depends on. */
  readonly wrt?: readonly string[];
  readonly mode?: Mode;
  /** Straight-through estimators of the user, by the name that `sign` nodes give. */
  readonly estimators?: { readonly [name: string]: Estimator };
}

/** Name of the output that holds the gradient of a tensor. */
export function gradientOutput(key: string): string {
  return `grad:${key}`;
}

/**
 * Reverse-mode differentiation: the graph plus its backward pass, an ordinary graph whose outputs
 * `grad:<key>` hold dLoss/dTensor. Where a tensor is updated by the forward pass (a clamped
 * latent weight), the updated value is the leaf; what else reads the tensor itself, such as a penalty on
 * weights, adds its gradient.
 */
export function gradients(
  graph: Graph,
  { loss, wrt, mode = "training", estimators = {} }: GradientOptions,
): Graph {
  const b = GraphBuilder.from(graph, `${graph.name} with gradients`);
  const lossValue = graph.outputs[loss] ?? loss;
  if (b.shape(lossValue).length) {
    throw new OnebitError(`loss "${loss}" has shape [${b.shape(lossValue)}], a scalar is wanted`);
  }
  const leaves = leavesOf(graph, wrt);
  const active = activeValues(graph, new Set([...leaves.values(), ...leaves.keys()]));
  const gradientOf = backward(
    b,
    graph,
    lossValue,
    active,
    new Set(leaves.values()),
    mode,
    estimators,
  );
  for (const [key, leaf] of leaves) {
    const parts = [...new Set([leaf, key])].flatMap((value) => gradientOf(value) ?? []);
    const gradient = addUp(b, parts);
    if (gradient) b.output(gradientOutput(key), matchShape(b, gradient, graph, key));
    else if (wrt) throw new OnebitError(`${key}: the loss "${loss}" does not depend on it`);
  }
  return b.build();
}

/** Tensor key -> value that is differentiated in its place. */
function leavesOf(graph: Graph, wrt?: readonly string[]): Map<string, string> {
  const keys =
    wrt ?? Object.keys(graph.tensors).filter((key) => graph.tensors[key].kind === "parameter");
  return new Map(
    keys.map((key) => {
      if (!graph.tensors[key]) throw new OnebitError(`${key}: no such tensor in "${graph.name}"`);
      return [key, graph.updates[key] ?? key];
    }),
  );
}

/** Values that depend on a leaf (leaves included, what lies before them not). */
function activeValues(graph: Graph, leaves: ReadonlySet<string>): Set<string> {
  const active = new Set(leaves);
  for (const node of graph.nodes) {
    if (!node.inputs.some((input) => active.has(input))) continue;
    for (const output of outputNames(node)) active.add(output);
  }
  return active;
}

function backward(
  b: GraphBuilder,
  graph: Graph,
  loss: string,
  active: ReadonlySet<string>,
  leaves: ReadonlySet<string>,
  mode: Mode,
  estimators: { readonly [name: string]: Estimator },
): (value: string) => string | undefined {
  const parts = new Map<string, string[]>([[loss, [b.constant(1)]]]);
  const summed = new Map<string, string | undefined>();
  const gradientOf = (value: string): string | undefined => {
    if (!summed.has(value)) summed.set(value, addUp(b, parts.get(value) ?? []));
    return summed.get(value);
  };
  for (const node of graph.nodes.toReversed()) {
    const outputs = outputNames(node);
    if (outputs.some((output) => leaves.has(output))) continue;
    const needs = node.inputs.map((input) => active.has(input));
    if (!needs.includes(true)) continue;
    const gradOutputs = outputs.map(gradientOf);
    if (gradOutputs.every((gradient) => gradient === undefined)) continue;
    const rule = gradientRule(node);
    const context = { b, mode, inputs: node.inputs, outputs, gradOutputs, needs, estimators };
    rule(context, node.attrs).forEach((gradient, i) => {
      if (!gradient || !needs[i]) return;
      parts.set(node.inputs[i], [...(parts.get(node.inputs[i]) ?? []), gradient]);
    });
  }
  return gradientOf;
}

function gradientRule(node: Node) {
  const { gradient } = opNamed(node.op);
  if (!gradient) {
    throw new OnebitError(`${node.name}: op "${node.op}" has no gradient; put a detach before it`);
  }
  return gradient;
}

function addUp(b: GraphBuilder, parts: readonly string[]): string | undefined {
  if (parts.length < 2) return parts[0];
  const [full, stretched] = partition(parts, (part) => b.producer(part)?.op !== "expand");
  if (!full.length) return parts.reduce((sum, part) => b.op("add", [sum, part]));
  // Addition broadcasts: stretching a pooled gradient to the map's size first is a wasted pass.
  const small = stretched.map((part) => b.producer(part)!.inputs[0]);
  return [...full, ...small].reduce((sum, part) => b.op("add", [sum, part]));
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}

/** Rules may return [C] for a [1, C, 1, 1] tensor: same elements, the tensor's own shape wins. */
function matchShape(b: GraphBuilder, gradient: string, graph: Graph, key: string): string {
  const { shape } = graph.tensors[key];
  if (b.shape(gradient).join() === shape.join()) return gradient;
  return b.op("reshape", [gradient], { shape });
}

import { OnebitError, UsageError } from "../errors.js";
import { outputNames } from "../graph/builder.js";
import { rebatch } from "../graph/rebatch.js";
import { type Graph, type Node, type Shape, sizeOf, type Tensor } from "../graph/types.js";
import { typesOf } from "../graph/types-of.js";
import { opNamed } from "../ops/index.js";
import type { EvaluateContext } from "../ops/op.js";
import { hardWeights, type ZeroWeights } from "./hard-weights.js";
import { readTemperature } from "./temperature.js";

/** A value that does not depend on the image, and the graph nodes that computed it. */
export interface Constant {
  readonly tensor: Tensor;
  readonly covers: readonly string[];
}

/** A graph for one image in inference mode: what depends on weights alone is computed. */
export interface Specialised {
  /** The image: the one input that is not a scalar. */
  readonly input: { readonly name: string; readonly shape: Shape };
  /** Nodes that depend on the image and lead to an output, in order. */
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Constant>;
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly outputs: { readonly [name: string]: string };
}

export interface SpecialiseOptions {
  /** Value of the scalar input "temperature"; default: what the mirror tensors hold. */
  readonly temperature?: number;
  readonly zeroWeights?: ZeroWeights;
}

/** Constants are computed in float64 from the float32 tensors. */
const float64: EvaluateContext = {
  mode: "inference",
  array: (length) => new Float64Array(length),
};

export function specialise(
  graph: Graph,
  tensors: { readonly [key: string]: Tensor },
  options: SpecialiseOptions = {},
): Specialised {
  const input = imageInput(graph);
  const single = input.shape[0] === 1 ? graph : rebatch(graph, 1);
  const constants = new Map<string, Constant>();
  for (const name of scalarInputs(single)) {
    const data = Float64Array.of(readTemperature(name, single, tensors, options.temperature));
    constants.set(name, { tensor: { shape: [], data }, covers: [] });
  }
  const live = reachable(single);
  const nodes: Node[] = [];
  for (const node of single.nodes.filter((n) => live.has(n.name))) {
    for (const key of node.inputs) adoptTensor(key, single, tensors, constants);
    const inputs = node.inputs.map((name) => constants.get(name));
    if (inputs.every((constant) => constant !== undefined)) {
      foldNode(node, inputs, constants, options);
    } else {
      nodes.push(node);
    }
  }
  const shapes = new Map([...typesOf(single)].map(([name, { shape }]) => [name, shape]));
  const image = { name: input.name, shape: shapes.get(input.name)! };
  return { input: image, nodes, constants, shapes, outputs: single.outputs };
}

function imageInput(graph: Graph): Specialised["input"] {
  const images = graph.inputs.filter(({ shape }) => shape.length > 0);
  if (images.length === 1 && images[0].shape.length === 4) return images[0];
  const found = images.map(({ name, shape }) => `${name} [${shape}]`).join(", ") || "none";
  throw new UsageError(
    `${graph.name}: a packed network has one input [N, C, H, W] besides scalars; found: ${found}`,
  );
}

const scalarInputs = (graph: Graph) =>
  graph.inputs.filter(({ shape }) => shape.length === 0).map(({ name }) => name);

/** Names of the nodes that an output depends on. */
function reachable(graph: Graph): Set<string> {
  const wanted = new Set(Object.values(graph.outputs));
  const live = new Set<string>();
  for (const node of [...graph.nodes].reverse()) {
    if (!outputNames(node).some((name) => wanted.has(name))) continue;
    live.add(node.name);
    for (const input of node.inputs) wanted.add(input);
  }
  return live;
}

function adoptTensor(
  key: string,
  graph: Graph,
  tensors: { readonly [key: string]: Tensor },
  constants: Map<string, Constant>,
): void {
  if (!Object.hasOwn(graph.tensors, key) || constants.has(key)) return;
  const { shape } = graph.tensors[key];
  const given = Object.hasOwn(tensors, key) ? tensors[key] : undefined;
  if (!given) throw new OnebitError(`${key}: no tensor given, shape [${shape}] wanted`);
  if (given.data.length !== sizeOf(shape)) {
    throw new OnebitError(`${key}: shape [${shape}] wanted, [${given.shape}] given`);
  }
  const bad = given.data.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0) {
    throw new OnebitError(`${key}: element ${bad} is ${given.data[bad]}; weights must be finite`);
  }
  constants.set(key, { tensor: { shape, data: Float64Array.from(given.data) }, covers: [] });
}

function foldNode(
  node: Node,
  inputs: readonly Constant[],
  constants: Map<string, Constant>,
  { zeroWeights }: SpecialiseOptions,
): void {
  const tensors = inputs.map(({ tensor }) => tensor);
  const results =
    node.op === "binarize-weight"
      ? [hardWeights(node, tensors, float64, zeroWeights)]
      : opNamed(node.op).evaluate(tensors, node.attrs, float64);
  const covers = [...inputs.flatMap((constant) => constant.covers), node.name];
  outputNames(node).forEach((name, i) => {
    constants.set(name, { tensor: results[i], covers });
  });
}

import { OnebitError } from "../errors.js";
import { opNamed } from "../ops/index.js";
import type { EvaluateContext } from "../ops/op.js";
import { outputNames } from "./builder.js";
import {
  type FloatArray,
  type Graph,
  type Mode,
  type Shape,
  sizeOf,
  type Tensor,
} from "./types.js";

/** How a graph is evaluated. */
export interface EvaluateOptions {
  readonly mode?: Mode;
  /** 64 evaluates everything in float64: for finite differences and reference values. */
  readonly precision?: 32 | 64;
}

/** What evaluating a graph gives. */
export interface Evaluation {
  readonly outputs: { [name: string]: Tensor };
  /** New value of every updated tensor (meaningful in training mode). */
  readonly updates: { [key: string]: Tensor };
  /** Every value of the graph, by name. */
  readonly values: Map<string, Tensor>;
}

/** Evaluates a graph in plain TypeScript: slow, simple, the oracle for everything else. */
export function evaluate(
  graph: Graph,
  feeds: { readonly [name: string]: Tensor | number },
  tensors: { readonly [key: string]: Tensor },
  { mode = "inference", precision = 32 }: EvaluateOptions = {},
): Evaluation {
  const Type = precision === 64 ? Float64Array : Float32Array;
  const context: EvaluateContext = { mode, array: (length) => new Type(length) };
  const values = new Map<string, Tensor>();
  const load = (name: string, shape: Shape, given: Tensor | number | undefined) => {
    values.set(
      name,
      adopt(name, shape, given, (n) => new Type(n)),
    );
  };
  for (const { name, shape } of graph.inputs) load(name, shape, feeds[name]);
  const used = new Set(graph.nodes.flatMap((node) => node.inputs));
  for (const [key, { shape }] of Object.entries(graph.tensors)) {
    if (used.has(key) || tensors[key]) load(key, shape, tensors[key]);
  }
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((input) => values.get(input)!);
    const results = opNamed(node.op).evaluate(inputs, node.attrs, context);
    outputNames(node).forEach((name, i) => {
      values.set(name, results[i]);
    });
  }
  return { outputs: pick(graph.outputs, values), updates: pick(graph.updates, values), values };
}

function adopt(
  name: string,
  shape: Shape,
  given: Tensor | number | undefined,
  array: (length: number) => FloatArray,
): Tensor {
  if (given === undefined)
    throw new OnebitError(`${name}: no value given, shape [${shape}] wanted`);
  const data = array(sizeOf(shape));
  if (typeof given === "number") {
    data.fill(given);
    return { shape, data };
  }
  if (given.data.length !== data.length) {
    throw new OnebitError(`${name}: shape [${shape}] wanted, [${given.shape}] given`);
  }
  data.set(given.data);
  return { shape, data };
}

function pick(names: { readonly [name: string]: string }, values: Map<string, Tensor>) {
  return Object.fromEntries(
    Object.entries(names).map(([name, value]) => [name, values.get(value)!]),
  );
}

import { UsageError } from "../errors.js";
import { outputNames } from "../graph/builder.js";
import { Constants, type Tensors } from "../graph/constants.js";
import { rebatch } from "../graph/rebatch.js";
import type { Graph, Node, Shape } from "../graph/types.js";
import { typesOf } from "../graph/types-of.js";
import { readTemperature } from "./temperature.js";

/** A graph for one image in inference mode, split into what depends on the image and what does not. */
export interface Specialised {
  /** The one input that is not a scalar: an image [1, C, H, W], or a row of a table [1, C]. */
  readonly input: { readonly name: string; readonly shape: Shape };
  /** Nodes that depend on the image and lead to an output, in order. */
  readonly nodes: readonly Node[];
  readonly constants: Constants;
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly outputs: { readonly [name: string]: string };
}

export function specialise(graph: Graph, tensors: Tensors, temperature?: number): Specialised {
  const input = mainInput(graph);
  const single = input.shape[0] === 1 ? graph : rebatch(graph, 1);
  const scalars = single.inputs.filter(({ shape }) => shape.length === 0);
  const values = scalars.map(({ name }) => [
    name,
    readTemperature(name, single, tensors, temperature),
  ]);
  const constants = new Constants(single, tensors, Object.fromEntries(values));
  const live = reachable(single);
  const shapes = new Map([...typesOf(single)].map(([name, { shape }]) => [name, shape]));
  return {
    input: { name: input.name, shape: shapes.get(input.name)! },
    nodes: single.nodes.filter(({ name }) => live.has(name) && !constants.has(name)),
    constants,
    shapes,
    outputs: single.outputs,
  };
}

function mainInput(graph: Graph): Specialised["input"] {
  const inputs = graph.inputs.filter(({ shape }) => shape.length > 0);
  if (inputs.length === 1 && [2, 4].includes(inputs[0].shape.length)) return inputs[0];
  const found = inputs.map(({ name, shape }) => `${name} [${shape}]`).join(", ") || "none";
  throw new UsageError(
    `${graph.name}: a packed network has one input [N, C, H, W] or [N, C] besides scalars; found: ${found}`,
  );
}

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

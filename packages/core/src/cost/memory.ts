import { outputNames } from "../graph/builder.js";
import { type Graph, type Shape, sizeOf, type ValueType } from "../graph/types.js";
import { typesOf } from "../graph/types-of.js";
import { liveParameters } from "./bits.js";
import { bytesOf } from "./cost.js";
import { groupBy } from "./group.js";
import { views } from "./trace.js";

/** What a training keeps besides the values of its graph. */
export interface TrainingMemoryOptions {
  /**
   * Float32 copies kept of every parameter besides the graph's own values: 3 with Adam (weights and
   * two moments), 4 with an exponential moving average, 2 with SGD and momentum.
   */
  readonly stateCopies?: number;
}

/** Bytes that a training step takes at its peak. */
export interface TrainingMemory {
  /** Most bytes of inputs, node outputs and graph outputs alive at once. */
  readonly values: number;
  /** Bytes of parameters times their copies, and of running statistics. */
  readonly state: number;
  readonly total: number;
  /** Node at which the values peak. */
  readonly peak: string;
}

/**
 * Least memory that one training step takes in bytes: the graph's nodes run in order, a value is
 * freed after its last use, graph outputs (gradients among them) live to the end. Views take
 * nothing. Scratch space of single kernels, such as unfolded convolution inputs, and what the
 * runtime itself takes come on top.
 *
 * graph: forward and backward in one, as the trainer compiles it.
 */
export function predictTrainingMemory(
  graph: Graph,
  { stateCopies = 3 }: TrainingMemoryOptions = {},
): TrainingMemory {
  const { peak, values } = peakOfValues(graph);
  const state = stateCopies * bytesOfParameters(graph) + bytesOfBuffers(graph);
  return { values, state, total: values + state, peak };
}

function peakOfValues(graph: Graph): { values: number; peak: string } {
  const types = typesOf(graph);
  const owner = storageOwners(graph);
  const lastUse = lastUses(graph, owner);
  const expiring = groupBy(lastUse.keys(), (value) => lastUse.get(value)!);
  const bytes = (value: string) => bytesOf(types.get(value) as ValueType);
  let alive = graph.inputs.reduce((sum, { name }) => sum + bytes(name), 0);
  let values = alive;
  let peak = graph.nodes[0]?.name ?? graph.name;
  graph.nodes.forEach((node, i) => {
    for (const output of outputNames(node))
      if (owner.get(output) === output) alive += bytes(output);
    if (alive > values) {
      values = alive;
      peak = node.name;
    }
    for (const value of expiring.get(i) ?? []) alive -= bytes(value);
  });
  return { values, peak };
}

/** The value whose memory each node output occupies: its own, or what a view looks at. */
function storageOwners(graph: Graph): Map<string, string> {
  const owner = new Map<string, string>();
  for (const node of graph.nodes) {
    for (const output of outputNames(node)) {
      const [source] = node.inputs;
      owner.set(output, views.has(node.op) ? (owner.get(source) ?? source) : output);
    }
  }
  return owner;
}

/** Index of the node after which each owned node output is free; graph outputs never are. */
function lastUses(graph: Graph, owner: Map<string, string>): Map<string, number> {
  const last = new Map<string, number>();
  graph.nodes.forEach((node, i) => {
    for (const value of [...node.inputs, ...outputNames(node)]) {
      const owned = owner.get(value);
      if (owned !== undefined && owner.has(owned)) last.set(owned, i);
    }
  });
  for (const value of [...Object.values(graph.outputs), ...Object.values(graph.updates)]) {
    last.delete(owner.get(value) ?? value);
  }
  return last;
}

const bytesOfShapes = (shapes: readonly Shape[]) =>
  4 * shapes.reduce((sum, shape) => sum + sizeOf(shape), 0);

function bytesOfParameters(graph: Graph): number {
  return bytesOfShapes(liveParameters(graph).map(([, { shape }]) => shape));
}

function bytesOfBuffers(graph: Graph): number {
  const buffers = Object.values(graph.tensors).filter(({ kind }) => kind === "buffer");
  return bytesOfShapes(buffers.map(({ shape }) => shape));
}

import { outputNames } from "../graph/builder.js";
import { type Graph, type Node, type Shape, sizeOf, type ValueType } from "../graph/types.js";
import { typesOf } from "../graph/types-of.js";
import { blockOf } from "../models/blocks.js";
import { opNamed } from "../ops/index.js";
import {
  bitsOf,
  countParameters,
  type Ends,
  liveParameters,
  macsPerOperation,
  ownBits,
  type RoleBits,
  roleBits,
} from "./bits.js";
import { type Trace, traceOf, views } from "./trace.js";

/** What one execution of a graph, or of a part of it, takes. Counts are for its whole batch. */
export interface Counts {
  /** Trained values, dead ones of the official checkpoints included (in totals only). */
  readonly parameters: number;
  /** Of these, weights used as signs. */
  readonly binaryParameters: number;
  /** Multiply-accumulates, whatever their bit width. */
  readonly macs: number;
  /** Of these, 1-bit by 1-bit. */
  readonly binaryMacs: number;
  /** Published counting: real MACs + 1-bit MACs / 64 (and 8-bit / 8, gates / 16 with 8-4-8 ends). */
  readonly ops: number;
  /** Honest counting: arithmetic on single elements besides MACs, batch-norm and all. */
  readonly elementwise: number;
  /** Honest counting: bytes read and written by every pass, each value at full width. */
  readonly bytesMoved: number;
  /** Honest counting: passes over values in memory (views are free). */
  readonly passes: number;
}

/** What one node of a graph takes. */
export interface LayerCost extends Counts {
  /** Name of the node; preparation of its weights (clamp, binarise, reshape) is included. */
  readonly name: string;
  readonly block: string;
  readonly op: string;
  /** Of its first output. */
  readonly shape: Shape;
}

/**
 * What a graph takes: parameters, multiply-accumulates, operations, bytes; in all and layer by layer.
 */
export interface Cost extends Counts {
  readonly deadParameters: number;
  readonly bytes: {
    /** Every parameter at 32 bits. */
    readonly float32: number;
    /** 1-bit weights at 1 bit, the rest at 32 (or quantised ends), dead parameters left out. */
    readonly packed: number;
  };
  readonly layers: readonly LayerCost[];
}

/** How weights count that are stored in fewer bits than 32. */
export interface CostOptions {
  /** Default: what the graph itself quantises its weights to. */
  readonly ends?: Ends;
}

/**
 * What a graph takes: any graph, so the gradient graph's cost is that of training. Published
 * counting ignores everything but multiply-accumulates; elementwise, bytesMoved and passes do not.
 *
 * Source of the counting: liuzechun/ReActNet issue 19; BNext's quantised figures.
 */
export function cost(graph: Graph, { ends }: CostOptions = {}): Cost {
  const trace = traceOf(graph);
  const bits = ends ? roleBits[ends] : ownBits(graph, trace);
  const layers = layerCosts(graph, trace, bits);
  const parameters = countParameters(graph);
  const live = liveParameters(graph).reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0);
  return {
    ...sumCounts(layers),
    parameters,
    deadParameters: parameters - live,
    bytes: { float32: 4 * parameters, packed: packedBytes(graph, trace, bits) },
    layers,
  };
}

/** Adds up the counts of layers. */
export function sumCounts(parts: readonly Counts[]): Counts {
  const total = (count: keyof Counts) => parts.reduce((sum, part) => sum + part[count], 0);
  return {
    parameters: total("parameters"),
    binaryParameters: total("binaryParameters"),
    macs: total("macs"),
    binaryMacs: total("binaryMacs"),
    ops: total("ops"),
    elementwise: total("elementwise"),
    bytesMoved: total("bytesMoved"),
    passes: total("passes"),
  };
}

/**
 * One row per node that data flows through. Nodes that only prepare weights are charged to the
 * node that uses the result, tensors to the first node that uses them.
 */
function layerCosts(graph: Graph, trace: Trace, bits: RoleBits): LayerCost[] {
  const types = typesOf(graph);
  const preparing = new Set(graph.nodes.filter(({ name }) => trace.tensorsBehind(name)));
  const charge = chargeOnce(graph, trace, types, preparing);
  const row = (node: Node, own: Counts): LayerCost => {
    const { name, op, inputs } = node;
    const counts = sumCounts([own, ...inputs.flatMap(charge.value)]);
    return { name, block: blockOf(name), op, shape: types.get(name)!.shape, ...counts };
  };
  const rows = graph.nodes
    .filter((node) => !preparing.has(node))
    .map((node) => {
      const binary = trace.isBinaryConv(node);
      const perOperation = macsPerOperation(roleOf(graph, trace, node), binary, bits);
      return row(node, nodeCounts(node, types, { binary, perOperation }));
    });
  // What no data meets, such as a regulariser of the weights, has rows of its own.
  const left = [...preparing].reverse().flatMap((node) => {
    if (charge.done(node.name)) return [];
    return [row(node, sumCounts(charge.value(node.name)))];
  });
  return [...rows, ...left];
}

/** Counts of tensors and of the nodes that prepare them, each handed out once. */
function chargeOnce(
  graph: Graph,
  trace: Trace,
  types: Map<string, ValueType>,
  preparing: ReadonlySet<Node>,
) {
  const binary = binaryTensors(graph, trace);
  const charged = new Set<string>();
  const producers = new Map(
    [...preparing].flatMap((n) => outputNames(n).map((o) => [o, n] as const)),
  );
  const value = (name: string): Counts[] => {
    const node = producers.get(name);
    const source = node?.name ?? name;
    if (charged.has(source)) return [];
    charged.add(source);
    if (node) {
      const own = nodeCounts(node, types, { binary: false, perOperation: 1 });
      return [own, ...node.inputs.flatMap(value)];
    }
    const spec = Object.hasOwn(graph.tensors, name) ? graph.tensors[name] : undefined;
    if (spec?.kind !== "parameter") return [];
    return [parameterCounts(sizeOf(spec.shape), binary.has(name))];
  };
  return { value, done: (name: string) => charged.has(name) };
}

/** Role of the tensor that a node's multiply-accumulates take as weights. */
function roleOf(graph: Graph, trace: Trace, node: Node) {
  const key = node.inputs.slice(1).flatMap((input) => trace.tensorsBehind(input) ?? [])[0];
  return key === undefined ? undefined : graph.tensors[key].role;
}

const none: Counts = sumCounts([]);

function parameterCounts(parameters: number, binary: boolean): Counts {
  return { ...none, parameters, binaryParameters: binary ? parameters : 0 };
}

function nodeCounts(
  node: Node,
  types: Map<string, ValueType>,
  { binary, perOperation }: { readonly binary: boolean; readonly perOperation: number },
): Counts {
  const inputs = node.inputs.map((input) => types.get(input)!);
  const outputs = outputNames(node).map((output) => types.get(output)!);
  const { macs, elementwise } = opNamed(node.op).cost(inputs, outputs, node.attrs);
  const view = views.has(node.op);
  const bytesMoved = view ? 0 : [...inputs, ...outputs].reduce((sum, t) => sum + bytesOf(t), 0);
  return {
    ...none,
    macs,
    binaryMacs: binary ? macs : 0,
    ops: macs / perOperation,
    elementwise,
    bytesMoved,
    passes: view ? 0 : 1,
  };
}

/** Bytes of a value as runtimes hold it. */
export function bytesOf({ shape, dtype }: ValueType): number {
  return sizeOf(shape) * (dtype === "bool" ? 1 : 4);
}

/** Weights that reach a 1-bit convolution. */
export function binaryTensors(graph: Graph, trace = traceOf(graph)): Set<string> {
  return new Set(planesOf(graph, trace).keys());
}

function packedBytes(graph: Graph, trace: Trace, bits: RoleBits): number {
  const planes = planesOf(graph, trace);
  const total = liveParameters(graph).reduce((sum, [key, spec]) => {
    const count = planes.get(key)?.size;
    return sum + sizeOf(spec.shape) * (count ?? 1) * bitsOf(spec, count !== undefined, bits);
  }, 0);
  return Math.ceil(total / 8);
}

/** Weights that reach 1-bit convolutions, and as what: ternary ones as two planes of bits. */
function planesOf(graph: Graph, trace: Trace): Map<string, Set<string>> {
  const planes = new Map<string, Set<string>>();
  for (const node of graph.nodes) {
    if (!trace.isBinaryConv(node)) continue;
    const [, plane] = node.inputs;
    for (const key of trace.tensorsBehind(plane) ?? []) {
      if (graph.tensors[key].kind !== "parameter") continue;
      planes.set(key, (planes.get(key) ?? new Set<string>()).add(plane));
    }
  }
  return planes;
}

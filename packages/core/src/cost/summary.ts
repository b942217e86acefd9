import type { Graph, Shape } from "../graph/types.js";
import { type Ends, ownBits } from "./bits.js";
import { type Cost, type Counts, cost, type LayerCost, sumCounts } from "./cost.js";
import { groupBy } from "./group.js";
import { traceOf } from "./trace.js";

/** The counts of a block ("feature.3", "layer1.0"), or of a module on its own ("fc"). */
export interface BlockCost extends Counts {
  readonly name: string;
  /** Of its last node. */
  readonly shape: Shape;
  /** Nodes of the block. */
  readonly layers: number;
}

/** What `onebit summary --json` prints: fields may be added, never renamed. */
export interface Summary extends Cost {
  readonly name: string;
  /** Bits that were counted: "float32", or of stem, gates and classifier, such as "8-4-8". */
  readonly ends: string;
  readonly inputs: { readonly [name: string]: Shape };
  readonly outputs: readonly string[];
  /** Fractions, 0 to 1. */
  readonly binaryShareOfMacs: number;
  readonly binaryShareOfParameters: number;
  readonly blocks: readonly BlockCost[];
}

/** As those of cost(). */
export interface SummaryOptions {
  readonly ends?: Ends;
}

/** Totals and one row per layer and per block. Counts are for the graph's batch: use batch 1. */
export function summarize(graph: Graph, { ends }: SummaryOptions = {}): Summary {
  const total = cost(graph, { ends });
  return {
    name: graph.name,
    ends: ends ?? ownEnds(graph),
    inputs: Object.fromEntries(graph.inputs.map(({ name, shape }) => [name, shape])),
    outputs: Object.keys(graph.outputs),
    ...total,
    binaryShareOfMacs: share(total.binaryMacs, total.macs),
    binaryShareOfParameters: share(total.binaryParameters, total.parameters),
    blocks: costByBlock(total.layers),
  };
}

function ownEnds(graph: Graph): string {
  const bits = ownBits(graph, traceOf(graph));
  const { stem = 32, gate = 32, classifier = 32 } = bits;
  return Object.keys(bits).length ? `${stem}-${gate}-${classifier}` : "float32";
}

/** Layers added up by block, in order. */
export function costByBlock(layers: readonly LayerCost[]): BlockCost[] {
  const blocks = groupBy(layers, ({ block }) => block);
  return [...blocks].map(([name, rows]) => ({
    name,
    shape: rows[rows.length - 1].shape,
    layers: rows.length,
    ...sumCounts(rows),
  }));
}

function share(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

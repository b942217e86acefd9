import { type Graph, sizeOf, type TensorRole, type TensorSpec } from "../graph/types.js";
import type { Trace } from "./trace.js";

/**
 * Bit widths of what is not 1-bit. float32: everything. "8-4-8": 8-bit stem, 4-bit gates and 8-bit
 * classifier (and 8-bit real shortcuts), biases like their weights, as BNext's published sizes count.
 */
export type Ends = "float32" | "8-4-8";

/** Bits by role; 32 for roles that are not listed. */
export type RoleBits = { readonly [role in TensorRole]?: number };

export const roleBits: { readonly [ends in Ends]: RoleBits } = {
  float32: {},
  "8-4-8": { stem: 8, gate: 4, classifier: 8, shortcut: 8 },
};

/** The bits that a graph itself quantises its weights to. */
export function ownBits(graph: Graph, trace: Trace): RoleBits {
  const found = graph.nodes.flatMap(({ op, name, attrs }) => {
    const [key] = op === "quantise-weight" ? (trace.tensorsBehind(name) ?? []) : [];
    return key === undefined ? [] : [[graph.tensors[key].role, attrs.bits]];
  });
  return Object.fromEntries(found);
}

/** Bits that one stored element takes; `binary` tells whether the weight is used as signs. */
export function bitsOf(spec: TensorSpec, binary: boolean, bits: RoleBits): number {
  return binary ? 1 : (bits[spec.role] ?? 32);
}

/**
 * How many real multiply-accumulates count as one operation. Published: 64 1-bit ones, 8 of 8 bits,
 * and 16 in the 4-bit gates, which alone reproduces BNext's figures.
 */
export function macsPerOperation(
  role: TensorRole | undefined,
  binary: boolean,
  bits: RoleBits,
): number {
  if (binary) return 64;
  const width = role === undefined ? 32 : bits[role];
  if (width === 4) return 16;
  return width === 8 ? 8 : 1;
}

/** Statistics and counters, which no count of parameters includes, dead ones neither. */
const bookkeeping = /(^|\.)(running_mean|running_var|num_batches_tracked)$/;

export function isParameter(key: string, { kind }: TensorSpec): boolean {
  return kind === "parameter" || (kind === "dead" && !bookkeeping.test(key));
}

/** Trained parameters that take part in the network. */
export function liveParameters(graph: Graph): [string, TensorSpec][] {
  return Object.entries(graph.tensors).filter(([, { kind }]) => kind === "parameter");
}

export function countParameters(graph: Graph): number {
  return Object.entries(graph.tensors)
    .filter(([key, spec]) => isParameter(key, spec))
    .reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0);
}

import { OnebitError } from "onebit";
import type { Graph, Shape, TensorSpec } from "onebit/graph";
import { closest } from "onebit/words";
import type { TensorEntry } from "../readers/tensor-entry.js";
import { printable } from "../readers/text.js";
import type { NetworkTensor } from "./importer.js";
import type { LeftOut } from "./left-out.js";

/** A tensor of the graph and what the file has for it. */
export interface Match {
  /** The graph's key. */
  readonly key: string;
  readonly spec: TensorSpec;
  readonly entry: NetworkTensor;
  /** A counter that the file does not have, which nothing computes with: 0. */
  readonly absent?: boolean;
}

/**
 * Finds every tensor of the graph in the file. What is missing, left over or of another shape is one
 * OnebitError that lists all of it, with the nearest names; only counters of batches may be missing.
 * beside: what lies outside of the network, where a misspelt module would be; unread: what the file
 * holds and nobody reads, in a note.
 */
export function matchTensors(
  graph: Graph,
  tensors: ReadonlyMap<string, NetworkTensor>,
  beside: readonly LeftOut[] = [],
  unread?: string,
): readonly Match[] {
  const matches: Match[] = [];
  const missing: string[] = [];
  const misshapen: string[] = [];
  const left = new Map(tensors);
  for (const [key, spec] of Object.entries(graph.tensors)) {
    const entry = tensors.get(key);
    left.delete(key);
    if (!entry && COUNTER.test(key)) matches.push({ key, spec, entry: zero(key), absent: true });
    else if (!entry) missing.push(key);
    else if (fits(entry, key, spec.shape)) matches.push({ key, spec, entry });
    else misshapen.push(`${key} is [${entry.shape}], must be [${spec.shape}]`);
  }
  const unexpected = [...left.keys()];
  const problems = [
    listed("missing", missing, [...unexpected, ...beside.map(({ keys }) => keys)]),
    listed("unexpected", unexpected, missing),
    listed("of another shape", misshapen, []),
  ].filter((problem) => problem !== "");
  if (problems.length === 0) return matches;
  if (missing.length > 0 && unread) problems.push(unread);
  throw new OnebitError(`the tensors do not fit ${graph.name}: ${problems.join("; ")}`);
}

const COUNTER = /\.num_batches_tracked$/;

function zero(key: string): TensorEntry {
  const none = new Uint8Array(8);
  return {
    ...{ key, path: [key], shape: [], dtype: "int64", elements: 1 },
    bytes: async () => none.slice(),
    read: async () => new BigInt64Array(1),
    floats: async () => new Float32Array(1),
  };
}

function fits({ shape, elements }: TensorEntry, key: string, wanted: Shape): boolean {
  return shape.join() === wanted.join() || (COUNTER.test(key) && elements === 1);
}

const shown = 8;
/** Names that are compared with a wrong one: a file may hold a hundred thousand. */
const compared = 1000;

function listed(what: string, names: readonly string[], nearest: readonly string[]): string {
  if (!names.length) return "";
  const candidates = nearest.slice(0, compared);
  const items = names.slice(0, shown).map((name) => {
    const guess = closest(name, candidates);
    const hint = guess === undefined ? "" : ` (nearest: ${printable(guess)})`;
    return printable(name) + hint;
  });
  const more = names.length > shown ? `, and ${names.length - shown} more` : "";
  return `${names.length} ${what}: ${items.join(", ")}${more}`;
}

import { OnebitError } from "onebit";
import { type Graph, type Shape, sizeOf, type TensorSpec } from "onebit/graph";
import { closest } from "onebit/models";
import type { TensorEntry } from "../readers/tensor-entry.js";
import { printable } from "../readers/text.js";

/** A tensor of the graph and what the file has for it. */
export interface Match {
  /** The graph's key. */
  readonly key: string;
  readonly spec: TensorSpec;
  readonly entry: TensorEntry;
}

/**
 * Finds every tensor of the graph in the file. What is missing, left over or of another shape is one
 * OnebitError that lists all of it, with the nearest names. 1-bit weights may be flat
 * (`weights`, [O * I * K * K, 1]) on one side and 4-D (`weight`) on the other.
 */
export function matchTensors(
  graph: Graph,
  tensors: ReadonlyMap<string, TensorEntry>,
): readonly Match[] {
  const matches: Match[] = [];
  const missing: string[] = [];
  const misshapen: string[] = [];
  const left = new Map(tensors);
  for (const [key, spec] of Object.entries(graph.tensors)) {
    const stored = storedKey(key, tensors);
    const entry = tensors.get(stored);
    left.delete(stored);
    if (!entry) missing.push(key);
    else if (fits(entry, key, spec.shape)) matches.push({ key, spec, entry });
    else misshapen.push(`${key} is [${entry.shape}], must be [${spec.shape}]`);
  }
  const unexpected = [...left.keys()];
  const problems = [
    listed("missing", missing, unexpected),
    listed("unexpected", unexpected, missing),
    listed("of another shape", misshapen, []),
  ].filter((problem) => problem !== "");
  if (problems.length === 0) return matches;
  throw new OnebitError(`the tensors do not fit ${graph.name}: ${problems.join("; ")}`);
}

/** The graph's key, or for a 1-bit weight its other spelling where the file has only that. */
function storedKey(key: string, tensors: ReadonlyMap<string, TensorEntry>): string {
  if (tensors.has(key) || !isConvWeight(key)) return key;
  const other = key.endsWith("s") ? key.slice(0, -1) : `${key}s`;
  return tensors.has(other) ? other : key;
}

function fits({ shape, elements }: TensorEntry, key: string, wanted: Shape): boolean {
  if (shape.join() === wanted.join()) return true;
  const isFlat = (dims: Shape) => dims.length === 2 && dims[1] === 1;
  const [flat, full] = isFlat(shape) ? [shape, wanted] : [wanted, shape];
  return isConvWeight(key) && elements === sizeOf(wanted) && isFlat(flat) && full.length === 4;
}

const isConvWeight = (key: string) => /\.binary_\w+\.weights?$/.test(key);

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

import { OnebitError } from "onebit";
import type { MetadataScalar, MetadataValue } from "../checkpoint.js";
import { checkName, printable } from "../text.js";
import { TensorRef } from "./globals.js";
import {
  describe,
  PickleDict,
  PickleGlobal,
  PickleList,
  PickleTuple,
  type PickleValue,
} from "./pickle-values.js";

export interface Flattened {
  readonly tensors: readonly { readonly path: readonly string[]; readonly tensor: TensorRef }[];
  readonly metadata: Map<string, MetadataValue>;
}

const maxDepth = 32;
const maxLeaves = 100_000;
/** One list may stand in many places; without this, a small file could unfold without end. */
const maxVisits = 1_000_000;

/**
 * Lists the tensors and plain values of nested dicts, lists and tuples by their dotted path. A list
 * of plain values is one value: `betas: [0.9, 0.999]`. A file that is a single tensor calls it
 * `tensor`.
 */
export function flatten(root: PickleValue): Flattened {
  const tensors: { path: string[]; tensor: TensorRef }[] = [];
  const metadata = new Map<string, MetadataValue>();
  const seen = new Set<string>();
  let visits = 0;

  const claim = (path: readonly string[]): string => {
    const key = path.join(".");
    checkName(key, "an entry");
    if (seen.has(key))
      throw new OnebitError(`${printable(key)} occurs twice: which one counts is unclear`);
    if (seen.add(key).size > maxLeaves) {
      throw new OnebitError(`more than ${maxLeaves} entries: not a checkpoint`);
    }
    return key;
  };
  const visit = (value: PickleValue, path: string[]): void => {
    if (path.length > maxDepth) {
      throw new OnebitError(
        `${printable(path.join("."))}: nested more than ${maxDepth} deep: not a checkpoint`,
      );
    }
    visits += sizeOf(value);
    if (visits > maxVisits)
      throw new OnebitError("the same lists occur over and over: not a checkpoint");
    if (value instanceof TensorRef) {
      claim(path);
      tensors.push({ path, tensor: value });
      return;
    }
    const plain = plainValue(value);
    if (plain !== undefined) {
      metadata.set(claim(path), plain);
      return;
    }
    for (const [key, child] of children(value)) visit(child, [...path, key]);
  };
  if (root instanceof TensorRef) visit(root, ["tensor"]);
  else if (plainValue(root) === undefined) visit(root, []);
  else throw new OnebitError(`the file holds ${describe(root)}, no tensors`);
  return { tensors, metadata };
}

function sizeOf(value: PickleValue): number {
  if (value instanceof PickleList || value instanceof PickleTuple) return 1 + value.items.length;
  return 1;
}

/** Scalars, texts and lists of them; undefined for everything else. */
function plainValue(value: PickleValue): MetadataValue | undefined {
  if (isScalar(value)) return value;
  if (value instanceof PickleGlobal) return value.name;
  if (!(value instanceof PickleList || value instanceof PickleTuple)) return undefined;
  const all: readonly PickleValue[] = value.items;
  const scalars = all.filter(isScalar);
  return scalars.length === all.length ? scalars : undefined;
}

function children(value: PickleValue): [string, PickleValue][] {
  if (value instanceof PickleDict)
    return Array.from(value.entries, ([key, child]) => [String(key), child]);
  if (value instanceof PickleList || value instanceof PickleTuple) {
    return value.items.map((child, i) => [String(i), child]);
  }
  return [];
}

function isScalar(value: PickleValue): value is MetadataScalar {
  return value === null || typeof value !== "object";
}

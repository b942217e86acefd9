import { OnebitError } from "onebit";
import type { MetadataScalar, MetadataValue } from "../checkpoint.js";
import { isPlainName, printable } from "../text.js";
import type { Unread } from "../unread.js";
import { TensorRef } from "./globals.js";
import {
  describe,
  PickleDict,
  PickleGlobal,
  type PickleKey,
  PickleList,
  PickleObject,
  PickleOpaque,
  PickleTuple,
  type PickleValue,
} from "./pickle-values.js";
import { UnreadList } from "./unread-list.js";

export interface Flattened {
  readonly tensors: readonly { readonly path: readonly string[]; readonly tensor: TensorRef }[];
  readonly metadata: Map<string, MetadataValue>;
  readonly unread: Unread;
}

const maxDepth = 32;
const maxTensors = 100_000;
const maxMetadata = 100_000;
/** One list may stand in many places; without this, a small file could unfold without end. */
const maxWork = 2_500_000;
const longestPath = 512;

/**
 * Lists the tensors and plain values of nested dicts, lists and tuples by their dotted path. A list
 * of plain values is one value: `betas: [0.9, 0.999]`. A file that is a single tensor calls it
 * `tensor`. What is opaque, nested too deep or called like another value is listed as unread; what a
 * pickle sets on an opaque value as on a dict is looked into.
 */
export function flatten(root: PickleValue): Flattened {
  const tree = new Tree();
  if (root instanceof TensorRef) tree.visit(root, ["tensor"]);
  else if (plainValue(root) === undefined) tree.visit(root, []);
  else throw new OnebitError(`the file holds ${describe(root)}, no tensors`);
  const { tensors, metadata, unread } = tree;
  return { tensors, metadata, unread: unread.listed() };
}

class Tree {
  readonly tensors: { path: readonly string[]; tensor: TensorRef }[] = [];
  readonly metadata = new Map<string, MetadataValue>();
  readonly unread = new UnreadList();
  readonly #ambiguous = new Set<string>();
  #work = 0;

  visit(value: PickleValue, path: readonly string[]): void {
    this.#work += workOf(value);
    if (this.#work > maxWork) {
      throw new OnebitError("the same lists occur over and over: not a checkpoint");
    }
    const plain = plainValue(value);
    if (value instanceof TensorRef) this.#tensor(path, value);
    else if (plain !== undefined) this.#plain(path, plain);
    else if (isLeaf(value)) this.unread.add(path, kindOf(value));
    else if (path.length >= maxDepth || path.join(".").length > longestPath) {
      this.unread.add(path, "nested too deep");
    } else this.#inside(value, path);
  }

  #inside(value: PickleValue, path: readonly string[]): void {
    if (value instanceof PickleOpaque) this.unread.add(path, value.kind, value.isModule);
    for (const [key, child] of children(value)) this.visit(child, [...path, key]);
  }

  #tensor(path: readonly string[], tensor: TensorRef): void {
    if (!isPlainName(path.join("."))) this.unread.add(path, "a tensor without a usable name");
    else if (this.tensors.push({ path, tensor }) > maxTensors) {
      throw new OnebitError(`more than ${maxTensors} tensors: not a checkpoint`);
    }
  }

  #plain(path: readonly string[], value: MetadataValue): void {
    const key = path.join(".");
    const isKnown = this.metadata.has(key) || this.#ambiguous.has(key);
    if (!isPlainName(key)) this.unread.add(path, "a value without a usable name");
    else if (isKnown) {
      this.metadata.delete(key);
      this.#ambiguous.add(key);
      this.unread.add(path, "several values of one name");
    } else if (this.metadata.size < maxMetadata) this.metadata.set(key, value);
    else this.unread.add(path, `more than ${maxMetadata} values`);
  }
}

/** A name is made for every value; the items of a list are at least looked at. */
function workOf(value: PickleValue): number {
  const isList = value instanceof PickleList || value instanceof PickleTuple;
  return 4 + (isList ? value.items.length : 0);
}

/** Scalars, texts and lists of them; undefined for everything else. */
function plainValue(value: PickleValue): MetadataValue | undefined {
  if (isScalar(value)) return value;
  if (value instanceof PickleGlobal) return value.name;
  if (!(value instanceof PickleList || value instanceof PickleTuple)) return undefined;
  const items: readonly PickleValue[] = value.items;
  return items.every(isScalar) ? items : undefined;
}

const isScalar = (value: PickleValue): value is MetadataScalar =>
  value === null || typeof value !== "object";

/** True for what holds no other values: bytes, storages, types of NumPy. */
function isLeaf(value: PickleValue): boolean {
  return (
    value instanceof Uint8Array ||
    (value instanceof PickleObject && !(value instanceof PickleOpaque))
  );
}

const kindOf = (value: PickleValue): string =>
  value instanceof PickleObject ? value.kind : "bytes";

function* children(value: PickleValue): Generator<[string, PickleValue]> {
  const dict = value instanceof PickleOpaque ? value.items : value;
  if (dict instanceof PickleDict) {
    for (const [key, child] of dict.entries) yield [keyText(key), child];
  } else if (dict instanceof PickleList || dict instanceof PickleTuple) {
    for (const [i, child] of dict.items.entries()) yield [String(i), child];
  }
}

const longestKey = 512;

/** A key as a part of a path: texts as they are, ("a", 1) as "(a, 1)", objects by their class. */
function keyText(key: PickleKey): string {
  if (key === null) return "None";
  if (typeof key !== "object") {
    const text = String(key);
    return text.length > longestKey ? printable(text) : text;
  }
  if (key instanceof PickleTuple) {
    return `(${key.items.slice(0, 8).map(partText).join(", ")})`;
  }
  return describe(key);
}

const partText = (part: PickleValue): string =>
  isScalar(part) ? printable(String(part)) : describe(part);

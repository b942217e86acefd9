import type { Random } from "onebit/conformance";
import { edgeNumber, edgeText } from "./edge-values.js";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** Where a value hangs: parent[key]. */
interface Place {
  readonly parent: Json[] | JsonObject;
  readonly key: number | string;
  readonly path: string;
}

/** Every place below a value, itself excepted; it may be nested deeper than calls can be. */
function places(root: Json): Place[] {
  const found: Place[] = [];
  const waiting: { readonly value: Json; readonly path: string }[] = [{ value: root, path: "" }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { value: parent, path } = next;
    if (typeof parent !== "object" || parent === null) continue;
    const keys = Array.isArray(parent) ? parent.map((_, i) => i) : Object.keys(parent);
    for (const key of keys) {
      const place = { parent, key, path: `${path}.${key}` };
      found.push(place);
      waiting.push({ value: at(place), path: place.path });
    }
  }
  return found;
}

const at = ({ parent, key }: Place): Json => (parent as JsonObject)[key];

function set({ parent, key }: Place, value: Json): void {
  // As JSON.parse does, "__proto__" is a key like any other.
  Object.defineProperty(parent, key, {
    ...{ value, enumerable: true, configurable: true, writable: true },
  });
}

/** Changes one number below `root`; says which, and how. */
export function editNumber(root: Json, random: Random): string {
  const numbers = places(root).filter((place) => typeof at(place) === "number");
  if (numbers.length === 0) return "no number there";
  const place = random.pick(numbers);
  const before = at(place) as number;
  set(place, edgeNumber(random, before));
  return `${place.path}: ${before} -> ${at(place)}`;
}

/** Changes one text or key below `root`. */
export function editText(root: Json, random: Random): string {
  const texts = places(root).filter((place) => typeof at(place) === "string");
  if (texts.length === 0) return "no text there";
  const place = random.pick(texts);
  set(place, edgeText(random));
  return place.path;
}

/** Puts something of another kind in a place, or takes the place away, or doubles or swaps it. */
export function editShape(root: Json, random: Random): string {
  const all = places(root);
  if (all.length === 0) return "nothing there";
  const place = random.pick(all);
  const { parent, key, path } = place;
  const roll = random.number();
  if (roll < 0.4) {
    set(place, strangeValue(random));
    return `${path} -> ${JSON.stringify(at(place))?.slice(0, 40)}`;
  }
  if (Array.isArray(parent)) {
    const [from, to] = [key as number, random.int(0, parent.length - 1)];
    if (roll < 0.6) parent.splice(from, 1);
    else if (roll < 0.8) parent.splice(to, 0, structuredClone(parent[from]));
    else [parent[from], parent[to]] = [parent[to], parent[from]];
    return `${path} removed, doubled or swapped`;
  }
  const value = parent[key];
  delete parent[key];
  if (roll < 0.7) set({ ...place, key: edgeText(random) }, value);
  return `${path} removed or renamed`;
}

function strangeValue(random: Random): Json {
  return random.pick<() => Json>([
    () => null,
    () => true,
    () => "1",
    () => [],
    () => ({}),
    () => [[[[[]]]]],
    () => [1, 2, 3],
    () => 0,
    () => edgeText(random),
    () => nested(random.pick([50, 1500])),
  ])();
}

/** Three edits of the deepest are still written without a full stack. */
function nested(depth: number): Json {
  let value: Json = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

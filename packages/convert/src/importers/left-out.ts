import { counted } from "onebit/words";
import type { Checkpoint } from "../readers/checkpoint.js";
import type { TensorEntry } from "../readers/tensor-entry.js";
import { printable } from "../readers/text.js";
import { flagOf, isAveraged } from "./choose-network.js";
import { type Candidate, isThopCounter } from "./networks-in.js";

/** Tensors of the file that the network does not have, by where they lie. */
export interface LeftOut {
  /** Keys that begin alike: "teacher.*"; or one key. */
  readonly keys: string;
  readonly tensors: number;
  /** What they are, where that is known. */
  readonly what?: string;
}

/** chosen: what is imported; it and the others are candidates. */
export function leftOut(
  { tensors }: Checkpoint,
  chosen: Pick<Candidate, "name" | "wrapper" | "tensors">,
  candidates: readonly Candidate[],
): readonly LeftOut[] {
  const taken = new Set([...chosen.tensors.values()].map(({ path }) => path));
  const owners = new Map<readonly string[], Candidate>();
  for (const candidate of candidates) {
    if (candidate === chosen) continue;
    for (const { path } of candidate.tensors.values()) owners.set(path, candidate);
  }
  const groups = new Map<string, LeftOut>();
  for (const entry of tensors.values()) {
    if (taken.has(entry.path)) continue;
    const group = groupOf(entry, owners.get(entry.path), chosen.wrapper);
    groups.set(group.keys, { ...group, tensors: (groups.get(group.keys)?.tensors ?? 0) + 1 });
  }
  return [...groups.values()];
}

function groupOf(
  { key, path }: TensorEntry,
  owner: Candidate | undefined,
  wrapper: readonly string[],
): Omit<LeftOut, "tensors"> {
  if (isThopCounter(key)) {
    return { keys: "total_ops, total_params", what: "operations counted by thop" };
  }
  if (owner) return { keys: owner.name ? `${owner.name}.*` : "*", what: network(owner) };
  const inside = wrapper.length < path.length && wrapper.every((dict, i) => path[i] === dict);
  const dicts = inside ? wrapper : path.length > 1 ? path.slice(0, 1) : [];
  const rest = path.slice(dicts.length).join(".");
  const [first, ...more] = rest.split(".");
  const isDict = !inside && path.length > 1;
  const name = isDict ? "*" : more.length ? `${first}.*` : first;
  const keys = [...dicts, name].join(".");
  return isAveraged({ name: keys }) ? { keys, what: AVERAGED } : { keys };
}

const AVERAGED = "averaged weights, by its name";

const network = (owner: Candidate) =>
  `${isAveraged(owner) ? AVERAGED : "another network"}; ${flagOf(owner)} imports it instead`;

const shown = 12;

/** One sentence for everything, so that nothing passes in silence. */
export function leftOutNote(groups: readonly LeftOut[]): string | undefined {
  if (groups.length === 0) return undefined;
  const items = groups.slice(0, shown).map(({ keys, tensors, what }) => {
    const about = [counted(tensors, "tensor"), ...(what ? [what] : [])];
    return `${printable(keys)} (${about.join(", ")})`;
  });
  const rest = groups.slice(shown);
  const count = rest.reduce((sum, { tensors }) => sum + tensors, 0);
  const more = rest.length
    ? `, and ${counted(count, "tensor")} in ${counted(rest.length, "other place")}`
    : "";
  return `left out: ${items.join(", ")}${more}`;
}

import { OnebitError } from "onebit";
import type { Checkpoint } from "../readers/checkpoint.js";
import { stateDict } from "../readers/state-dict.js";
import { printable } from "../readers/text.js";
import { unreadObject } from "../readers/unread.js";
import { chooseNetwork } from "./choose-network.js";
import { type Candidate, networksIn, plainName } from "./networks-in.js";
import { importable, unknownNetwork } from "./recognise.js";

export interface Located {
  /** The network to import. */
  readonly place: Candidate;
  readonly candidates: readonly Candidate[];
}

/** Finds the network; told: the dicts or modules around it, joined with dots. */
export function locate(checkpoint: Checkpoint, arch?: string, told?: string): Located {
  const family = arch === undefined ? undefined : importable(arch);
  const all = networksIn(checkpoint);
  const alike = all.filter((candidate) => candidate.family === family);
  const candidates = alike.length > 0 ? alike : all;
  if (candidates.length > 0) return { place: chooseNetwork(candidates, told), candidates: all };
  const dict = told === undefined ? stateDict(checkpoint) : under(checkpoint, told);
  const { wrapper, tensors } = dict;
  // A named architecture is taken at its word: what does not fit will be listed.
  if (family) {
    const place = { name: wrapper.join("."), family, wrapper, prefix: "", tensors };
    return { place, candidates: [] };
  }
  const object = checkpoint.unread.values.find(({ isModule }) => isModule);
  if (object) throw unreadObject(object);
  throw unknownNetwork([...tensors.keys()]);
}

function under(
  { tensors, unread }: Checkpoint,
  told: string,
): Pick<Candidate, "wrapper" | "tensors"> {
  const name = plainName(told);
  const start = name && `${name}.`;
  const inside = [...tensors.values()].flatMap((entry) => {
    const key = plainName(entry.path.join("."));
    return key.startsWith(start) ? [{ ...entry, key: key.slice(start.length) }] : [];
  });
  const object = unread.values.find(({ place }) => told.startsWith(place));
  if (inside.length === 0 && object) throw unreadObject(object);
  if (inside.length === 0) throw new OnebitError(`no tensors in ${printable(told)}`);
  return { wrapper: [told], tensors: new Map(inside.map((entry) => [entry.key, entry])) };
}

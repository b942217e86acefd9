import { OnebitError, UsageError } from "onebit";
import type { Checkpoint } from "../readers/checkpoint.js";
import { stateDict } from "../readers/state-dict.js";
import { printable } from "../readers/text.js";
import { unreadObject } from "../readers/unread.js";
import { importerOf, unknownNetwork } from "./architectures.js";
import { chooseNetwork } from "./choose-network.js";
import { type Importer, type NetworkOptions, networkOptions } from "./importer.js";
import { type Candidate, networksIn, plainName } from "./networks-in.js";

export interface Located {
  /** The network to import. */
  readonly place: Candidate;
  /** Which reads it. */
  readonly importer: Importer;
  readonly candidates: readonly Candidate[];
}

/** Finds the network, where the caller says which one, or the only one that may be meant. */
export function locate(
  checkpoint: Checkpoint,
  importers: readonly Importer[],
  options: NetworkOptions,
): Located {
  const { arch } = options;
  const told = options.wrapper?.join(".");
  const importer = arch === undefined ? undefined : importerOf(arch, importers);
  const all = networksIn(checkpoint, importers);
  if (all.length > 0) refuseForeign(all, options);
  const alike = all.filter((candidate) => candidate.importer === importer);
  const candidates = alike.length > 0 ? alike : all;
  if (candidates.length > 0) {
    const place = chooseNetwork(candidates, told);
    // A named architecture is taken at its word: what does not fit will be listed.
    return { place, importer: importer ?? place.importer, candidates: all };
  }
  const dict = told === undefined ? stateDict(checkpoint) : under(checkpoint, told);
  const { wrapper, tensors } = dict;
  if (importer) {
    const place = { name: wrapper.join("."), importer, wrapper, prefix: "", tensors };
    return { place, importer, candidates: [] };
  }
  const object = checkpoint.unread.values.find(({ isModule }) => isModule);
  if (object) throw unreadObject(object);
  throw unknownNetwork([...tensors.keys()], importers);
}

/** An option that no network of the file has a use for would be ignored. */
function refuseForeign(candidates: readonly Candidate[], options: NetworkOptions): void {
  const isTaken = (option: (typeof networkOptions)[number]) =>
    candidates.some(({ importer: { takes = networkOptions } }) => takes.includes(option));
  const wrong = networkOptions.find((option) => options[option] !== undefined && !isTaken(option));
  if (!wrong) return;
  const [{ importer }] = candidates;
  throw new UsageError(`${wrong}: a ${importer.family} network describes itself; leave it out`);
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

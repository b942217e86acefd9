import { OnebitError } from "onebit";
import type { Checkpoint } from "../readers/checkpoint.js";
import type { TensorEntry } from "../readers/tensor-entry.js";
import { printable } from "../readers/text.js";
import type { Importer, Place } from "./importer.js";

/** A network of a known family, somewhere in a checkpoint. */
export interface Candidate {
  /** Dicts and modules around it, joined with dots: "state_dict.student"; "" for the file itself. */
  readonly name: string;
  readonly importer: Importer;
  /** Dicts around its tensors: ["state_dict"], or none. */
  readonly wrapper: readonly string[];
  /** What stands before its keys inside of these dicts: "module.", or nothing. */
  readonly prefix: string;
  /** Tensors of the family's modules, by official key. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

/** Parts of a key that PyTorch's wrappers add around any module (DataParallel, compile, FSDP). */
const WRAPPER =
  /^(module|_orig_mod|_forward_module|_fsdp_wrapped_module|_checkpoint_wrapped_module)$/;

/** What trains a network holds tensors by the same names, and is none. */
const TRAINING = /optim|scheduler|scaler/i;

/** What thop leaves in every module that it counted. */
const COUNTED = /(^|\.)total_(ops|params)$/;

export const isThopCounter = (key: string): boolean => COUNTED.test(key);

/** Without the parts that wrappers add. */
export function plainName(name: string): string {
  return plain(name.split(".")).join(".");
}

const plain = (parts: readonly string[]) => parts.filter((part) => !WRAPPER.test(part));

/** An ensemble has some; each costs a look at every tensor. */
const maxNetworks = 64;

interface Path {
  readonly entry: TensorEntry;
  /** Of its path, all dots alike. */
  readonly parts: readonly string[];
}

/**
 * Every network of a known family. From the outside in, each dict and module with what no network
 * around it owns is shown to the importers.
 */
export function networksIn(
  { format, tensors }: Pick<Checkpoint, "format" | "tensors">,
  importers: readonly Importer[],
): readonly Candidate[] {
  const found = new Map<string, Candidate>();
  let left: readonly Path[] = Array.from(tensors.values(), (entry) => {
    return { entry, parts: entry.path.join(".").split(".") };
  });
  for (let depth = 0; left.length > 0; depth++) {
    const owned = new Set<readonly string[]>();
    for (const [name, place] of placesAt(depth, left, format)) {
      const importer = found.has(name) ? undefined : importers.find((one) => one.recognises(place));
      if (!importer) continue;
      const members = membersOf(name, importer, tensors);
      const paths = new Set(Array.from(members.values(), ({ path }) => path));
      const first = [...place.tensors.values()].find(({ path }) => paths.has(path));
      if (!first) continue;
      found.set(name, { name, importer, ...around(first.path, depth), tensors: members });
      if (found.size > maxNetworks) {
        throw new OnebitError(`more than ${maxNetworks} networks: save the one to import alone`);
      }
      for (const path of paths) owned.add(path);
    }
    const goesOn = ({ entry, parts }: Path) =>
      depth + 1 < parts.length && !TRAINING.test(parts[depth]) && !owned.has(entry.path);
    left = left.filter(goesOn);
  }
  return [...found.values()];
}

/** What lies in each dict or module at a depth. */
function placesAt(
  depth: number,
  left: readonly Path[],
  format: Place["format"],
): ReadonlyMap<string, Place> {
  const places = new Map<string, Map<string, TensorEntry>>();
  for (const { entry, parts } of left) {
    const name = plain(parts.slice(0, depth)).join(".");
    const key = plain(parts.slice(depth)).join(".");
    let tensors = places.get(name);
    if (!tensors) {
      tensors = new Map();
      places.set(name, tensors);
    }
    if (!tensors.has(key)) tensors.set(key, entry);
  }
  return new Map(Array.from(places, ([name, tensors]) => [name, { format, tensors }]));
}

/** Of a key whose parts from `depth` on are the network's: the dicts before, and the rest. */
function around(path: readonly string[], depth: number): Pick<Candidate, "wrapper" | "prefix"> {
  const wrapper: string[] = [];
  let left = depth;
  for (const name of path.slice(0, -1)) {
    const { length } = name.split(".");
    if (length > left && !WRAPPER.test(name)) break;
    wrapper.push(name);
    left -= length;
  }
  const parts = path.slice(wrapper.length).join(".").split(".");
  let end = Math.max(0, left);
  while (WRAPPER.test(parts[end])) end++;
  return {
    wrapper,
    prefix: parts
      .slice(0, end)
      .map((part) => `${part}.`)
      .join(""),
  };
}

function membersOf(name: string, { owns = () => true }: Importer, tensors: Checkpoint["tensors"]) {
  const members = new Map<string, TensorEntry>();
  const start = name && `${name}.`;
  for (const entry of tensors.values()) {
    const whole = plainName(entry.path.join("."));
    if (!whole.startsWith(start)) continue;
    const key = whole.slice(start.length);
    if (!owns(key) || isThopCounter(key)) continue;
    const twin = members.get(key);
    if (twin) throw isTwice(key, twin, entry);
    members.set(key, { ...entry, key });
  }
  return members;
}

function isTwice(key: string, ...entries: readonly TensorEntry[]): OnebitError {
  const places = entries.map(({ path }) => printable(path.join("."))).join(" and ");
  return new OnebitError(`${printable(key)} is in the file twice, as ${places}: keep one of them`);
}

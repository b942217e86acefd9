import { OnebitError } from "onebit";
import type { Checkpoint } from "../readers/checkpoint.js";
import type { TensorEntry } from "../readers/tensor-entry.js";
import { printable } from "../readers/text.js";
import { families, familyOf, type ImportableFamily } from "./families.js";

/** A network of a known family, somewhere in a checkpoint. */
export interface Candidate {
  /** Dicts and modules around it, joined with dots: "state_dict.student"; "" for the file itself. */
  readonly name: string;
  readonly family: ImportableFamily;
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

/** Every network of a known family: a place whose keys, from there on, are the family's. */
export function networksIn({ tensors }: Checkpoint): readonly Candidate[] {
  const roots = new Map<string, Root>();
  for (const entry of tensors.values()) {
    const root = rootOf(entry);
    if (root && !roots.has(root.name)) roots.set(root.name, root);
    if (roots.size > maxNetworks) {
      throw new OnebitError(`more than ${maxNetworks} networks: save the one to import alone`);
    }
  }
  return [...roots.values()].map((root) => ({ ...root, tensors: membersOf(root, tensors) }));
}

/** An ensemble has some; each costs a look at every tensor. */
const maxNetworks = 64;

type Root = Omit<Candidate, "tensors">;

function rootOf({ path }: TensorEntry): Root | undefined {
  const parts = path.join(".").split(".");
  for (let depth = 0; depth < parts.length && !TRAINING.test(parts[depth]); depth++) {
    const family = familyOf([plain(parts.slice(depth)).join(".")]);
    if (family)
      return { name: plain(parts.slice(0, depth)).join("."), family, ...around(path, depth) };
  }
  return undefined;
}

/** Of a key whose parts from `depth` on are the network's: the dicts before, and the rest. */
function around(path: readonly string[], depth: number): Pick<Root, "wrapper" | "prefix"> {
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

function membersOf({ name, family }: Root, tensors: Checkpoint["tensors"]) {
  const members = new Map<string, TensorEntry>();
  const start = name && `${name}.`;
  for (const entry of tensors.values()) {
    const whole = plainName(entry.path.join("."));
    if (!whole.startsWith(start)) continue;
    const key = whole.slice(start.length);
    if (!families[family].members.test(key) || isThopCounter(key)) continue;
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

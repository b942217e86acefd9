import { OnebitError } from "onebit";
import { shellWord } from "onebit/words";
import type { Checkpoint } from "./checkpoint.js";
import type { TensorEntry } from "./tensor-entry.js";
import { printable } from "./text.js";
import { unreadNote, unreadObject } from "./unread.js";

/** The tensors of the network, without the dicts around them. */
export interface StateDict {
  /** Keys of the wrapper dicts that were taken off: `["state_dict"]`, or none. */
  readonly wrapper: readonly string[];
  /** By key inside the state dict; a `module.` of DataParallel is still on. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

/** Names under which training scripts keep the network, most telling first. */
export const usualDicts = [
  "state_dict",
  "model_state_dict",
  "model_state",
  "model",
  "net",
  "network",
  "params",
];

/**
 * Finds the network inside a checkpoint: the dict with one of the usual names, else the file itself.
 * Where tensors lie in several dicts of other names, the choice is the caller's: pass `wrapper`.
 */
export function stateDict(checkpoint: Checkpoint, wrapper?: readonly string[]): StateDict {
  const chosen = wrapper ?? findWrapper(checkpoint);
  const tensors = new Map<string, TensorEntry>();
  for (const entry of checkpoint.tensors.values()) {
    const inside = chosen.every((key, depth) => entry.path[depth] === key);
    const rest = entry.path.slice(chosen.length);
    if (!inside || rest.length === 0) continue;
    const key = rest.join(".");
    if (tensors.has(key)) {
      throw new OnebitError(`two tensors are named ${printable(key)}: which one counts is unclear`);
    }
    tensors.set(key, { ...entry, key });
  }
  if (tensors.size > 0) return { wrapper: chosen, tensors };
  const place = chosen.join(".");
  const { values } = checkpoint.unread;
  const object = values.find((one) => one.isModule || place.startsWith(one.place));
  if (object) throw unreadObject(object);
  if (values.some(({ what }) => what === "numpy.ndarray")) throw numpyArrays(place);
  const note = unreadNote(checkpoint.unread);
  throw new OnebitError(
    `no tensors in ${printable(place) || "the file"}: not a checkpoint${note ? `; ${note}` : ""}`,
  );
}

function numpyArrays(place: string): OnebitError {
  const where = printable(place) || "the file";
  return new OnebitError(
    `${where} holds NumPy arrays, no tensors: save them as such, numpy.savez("weights.npz", **arrays), where arrays is the dict of name and array`,
  );
}

function findWrapper(checkpoint: Checkpoint): readonly string[] {
  const paths = [...checkpoint.tensors.values()].map((entry) => entry.path);
  const groups = new Set(paths.filter((path) => path.length > 1).map((path) => path[0]));
  const usual = usualDicts.find((name) => groups.has(name));
  if (usual !== undefined) {
    const inner = paths.filter((path) => path[0] === usual).map((path) => path[1]);
    const nested = usualDicts.find((name) => inner.every((key) => key === name));
    return nested === undefined ? [usual] : [usual, nested];
  }
  if (groups.size === 0 || isStateDict(checkpoint)) return [];
  const candidates = [...groups].filter((name) => !/optim|scheduler|scaler/i.test(name));
  if (candidates.length === 1) return [candidates[0]];
  const network = checkpoint.unread.values.find(({ isModule }) => isModule);
  if (network) throw unreadObject(network);
  const names = [...groups].slice(0, 8).map(printable);
  const flags = names.map((name) => `--dict ${shellWord(name)}`).join(" or ");
  throw new OnebitError(
    `which dict holds the network? Tensors are in ${names.join(", ")}: choose with ${flags}`,
  );
}

/** True where tensors that are no mere metrics lie outside of all dicts. */
function isStateDict(checkpoint: Checkpoint): boolean {
  const entries = [...checkpoint.tensors.values()];
  return entries.some((entry) => entry.path.length === 1 && entry.shape.length > 0);
}

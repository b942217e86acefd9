import { OnebitError } from "onebit";
import type { AsyncBuffer } from "./async-buffer.js";
import { type Checkpoint, checkpointOf } from "./checkpoint.js";
import { npyEntry, npyHeaderLimit } from "./npy.js";
import type { TensorEntry } from "./tensor-entry.js";
import { printable } from "./text.js";
import type { ZipEntry } from "./zip/directory.js";
import { entryPrefix, entrySource } from "./zip/entry-source.js";

/** Every header is read at once, inflated where it must be. */
const maxArrays = 4096;

export function isNpz(entries: ReadonlyMap<string, ZipEntry>): boolean {
  return entries.size > 0 && [...entries.keys()].every((name) => name.endsWith(".npy"));
}

/** numpy.savez and savez_compressed: a zip file of arrays, called by their names without `.npy`. */
export async function openNpz(
  buffer: AsyncBuffer,
  members: ReadonlyMap<string, ZipEntry>,
): Promise<Checkpoint> {
  if (members.size > maxArrays) {
    throw new OnebitError(`${members.size} arrays in one file, at most ${maxArrays} are read`);
  }
  const entries: TensorEntry[] = [];
  for (const member of members.values()) {
    const name = member.name.slice(0, -".npy".length);
    if (name === "") throw new OnebitError(`zip: an array is called ${printable(member.name)}`);
    const source = entrySource(buffer, member);
    const prefix = await entryPrefix(buffer, member, npyHeaderLimit);
    entries.push(npyEntry([name], prefix, source));
  }
  return checkpointOf(buffer, "npz", entries);
}

import { OnebitError } from "onebit";
import type { AsyncBuffer } from "../async-buffer.js";
import type { Checkpoint } from "../checkpoint.js";
import { cursorOver, remaining, utf8 } from "../cursor.js";
import type { ByteSource } from "../tensor-entry.js";
import { printable } from "../text.js";
import type { ZipEntry } from "../zip/directory.js";
import { entrySource } from "../zip/entry-source.js";
import { torchPolicy } from "./globals.js";
import { unpickle } from "./pickle.js";
import { pickleLimits } from "./pickle-arguments.js";
import type { StorageRef } from "./storage.js";
import { torchCheckpoint } from "./torch-checkpoint.js";

const pickleName = "data.pkl";

/** True where the members look like torch.save's: one folder with a `data.pkl` in it. */
export function isTorchZip(entries: ReadonlyMap<string, ZipEntry>): boolean {
  return [...entries.keys()].some((name) => /^[^/]+\/data\.pkl$/.test(name));
}

/**
 * torch.save since PyTorch 1.6: a zip file with `NAME/data.pkl`, `NAME/version`, maybe
 * `NAME/byteorder`, and the storages as `NAME/data/KEY`, stored without compression. The CRC-32 of
 * every member that is read is checked.
 */
export async function openTorchZip(
  buffer: AsyncBuffer,
  entries: ReadonlyMap<string, ZipEntry>,
): Promise<Checkpoint> {
  const folder = folderOf(entries);
  const member = (name: string): ByteSource | undefined => {
    const entry = entries.get(folder + name);
    return entry && storedSource(buffer, entry);
  };
  if (member("constants.pkl")) {
    throw new OnebitError(
      "this is a TorchScript program: save the state_dict of the network instead",
    );
  }
  await checkVersion(member("version"));
  const bigEndian = await readByteOrder(member("byteorder"));
  const declared = new Map<string, StorageRef>();
  const pickle = await readWhole(member(pickleName)!, pickleLimits.bytes, pickleName);
  const cursor = cursorOver(pickle);
  const root = unpickle(cursor, torchPolicy(declared));
  if (remaining(cursor) > 0)
    throw new OnebitError(`${pickleName}: bytes follow its end: it is damaged`);
  const storages = new Map<string, ByteSource>();
  for (const storage of declared.values()) {
    storages.set(storage.key, storageSource(storage, member(`data/${storage.key}`)));
  }
  return torchCheckpoint(buffer, { format: "torch-zip", root, storages, bigEndian });
}

/** The common folder of all members, with its slash. */
function folderOf(entries: ReadonlyMap<string, ZipEntry>): string {
  const pickles = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  const folder = pickles[0].slice(0, -pickleName.length);
  const stranger = [...entries.keys()].find((name) => !name.startsWith(folder));
  if (stranger === undefined) return folder;
  throw new OnebitError(
    `zip: ${printable(stranger)} lies outside ${printable(folder)}: not a checkpoint`,
  );
}

function storedSource(buffer: AsyncBuffer, entry: ZipEntry): ByteSource {
  if (entry.method === 0) return entrySource(buffer, entry);
  throw new OnebitError(
    `zip: ${printable(entry.name)} is compressed, which torch.save never does: load and save the file in PyTorch again`,
  );
}

function storageSource(storage: StorageRef, source: ByteSource | undefined): ByteSource {
  const name = printable(storage.key);
  if (!source) throw new OnebitError(`storage ${name} is not in the file: it is damaged`);
  const { byteLength = source.byteLength } = storage;
  if (source.byteLength === byteLength) return source;
  throw new OnebitError(
    `storage ${name} has ${source.byteLength} bytes, declared are ${byteLength}: the file is damaged`,
  );
}

async function readWhole(source: ByteSource, limit: number, name: string) {
  if (source.byteLength <= limit) return source.read(0, source.byteLength);
  throw new OnebitError(`${name} has ${source.byteLength} bytes, at most ${limit} are read`);
}

async function checkVersion(source: ByteSource | undefined): Promise<void> {
  if (!source)
    throw new OnebitError("zip: the member `version` is missing: not written by torch.save");
  const version = utf8(await readWhole(source, 16, "version"), "version").trim();
  if (/^\d{1,3}$/.test(version)) return;
  throw new OnebitError(`zip: the member \`version\` says ${printable(version)}: it is damaged`);
}

async function readByteOrder(source: ByteSource | undefined): Promise<boolean> {
  if (!source) return false;
  const order = utf8(await readWhole(source, 16, "byteorder"), "byteorder").trim();
  if (order === "little" || order === "big") return order === "big";
  throw new OnebitError(`zip: the member \`byteorder\` says ${printable(order)}: it is damaged`);
}

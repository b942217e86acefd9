import { OnebitError } from "onebit";
import { type AsyncBuffer, readRange } from "../async-buffer.js";
import type { Checkpoint } from "../checkpoint.js";
import { type Cursor, cursorOver, u64 } from "../cursor.js";
import type { ByteSource } from "../tensor-entry.js";
import { printable } from "../text.js";
import { torchPolicy } from "./globals.js";
import { type PicklePolicy, unpickle } from "./pickle.js";
import { pickleLimits } from "./pickle-arguments.js";
import {
  describe,
  PickleDict,
  PickleList,
  PickleTuple,
  type PickleValue,
} from "./pickle-values.js";
import type { StorageRef, Storages } from "./storage.js";
import { torchCheckpoint } from "./torch-checkpoint.js";

const magic = 0x1950a86a20f9469cfc6cn;
const protocolVersion = 1001;

const firstWindow = 2 ** 18;

interface Preamble {
  root: PickleValue;
  storages: Storages;
  keys: readonly string[];
  bigEndian: boolean;
  /** Where the first storage begins. */
  end: number;
}

/**
 * torch.save before PyTorch 1.6: five pickles one after the other (magic number, protocol 1001,
 * properties of the machine, the object, keys of the storages in order), then for each storage the
 * number of its elements (64 bits) and their bytes. Nothing in it is a checksum.
 */
export async function openTorchLegacy(buffer: AsyncBuffer): Promise<Checkpoint> {
  const { root, storages: declared, keys, bigEndian, end } = await readPreamble(buffer);
  const storages = new Map<string, ByteSource>();
  let offset = end;
  for (const key of keys) {
    const storage = declared.get(key);
    if (!storage || storages.has(key)) {
      throw new OnebitError(
        `storage ${printable(key)} is listed but used by no tensor, or listed twice`,
      );
    }
    const source = rawSource(buffer, storage, offset);
    storages.set(key, source);
    offset += 8 + source.byteLength;
  }
  if (declared.size !== storages.size) {
    throw new OnebitError(
      `${declared.size} storages are used, ${storages.size} are listed: it is damaged`,
    );
  }
  if (offset !== buffer.byteLength) {
    throw new OnebitError(
      `the storages should end at byte ${offset}, the file has ${buffer.byteLength}: it is truncated or damaged, fetch it again`,
    );
  }
  return torchCheckpoint(buffer, { format: "torch-legacy", root, storages, bigEndian });
}

/** The pickles do not say how long they are: read more of the file until they fit. */
async function readPreamble(buffer: AsyncBuffer): Promise<Preamble> {
  for (let window = firstWindow; ; window *= 4) {
    const length = Math.min(window, buffer.byteLength, pickleLimits.bytes);
    const cursor = cursorOver(await readRange(buffer, 0, length, "the checkpoint"));
    try {
      return parsePreamble(cursor);
    } catch (error) {
      const more = length < Math.min(buffer.byteLength, pickleLimits.bytes);
      if (!cursor.exhausted || !more) throw error;
    }
  }
}

function parsePreamble(cursor: Cursor): Preamble {
  if (unpickle(cursor, nothingAllowed) !== magic)
    throw new OnebitError("not written by torch.save");
  const version = unpickle(cursor, nothingAllowed);
  if (version !== protocolVersion) {
    throw new OnebitError(`torch.save protocol ${describe(version)}; known is ${protocolVersion}`);
  }
  const bigEndian = isBigEndian(unpickle(cursor, nothingAllowed));
  const storages: Storages = new Map();
  const root = unpickle(cursor, torchPolicy(storages));
  const keys = storageKeys(unpickle(cursor, nothingAllowed));
  return { root, storages, keys, bigEndian, end: cursor.offset };
}

function isBigEndian(properties: PickleValue): boolean {
  const little = properties instanceof PickleDict && properties.entries.get("little_endian");
  if (typeof little === "boolean" && properties instanceof PickleDict) return !little;
  throw new OnebitError("torch.save: the properties of the machine are missing: it is damaged");
}

function storageKeys(value: PickleValue): readonly string[] {
  const items = value instanceof PickleList || value instanceof PickleTuple ? value.items : [null];
  const keys = items.filter((item) => typeof item === "string");
  if (keys.length === items.length) return keys;
  throw new OnebitError("torch.save: the list of storages is damaged");
}

const nothingAllowed: PicklePolicy = {
  find: (module, name) => {
    throw new OnebitError(
      `pickle: it names ${printable(`${module}.${name}`)} where only numbers belong`,
    );
  },
  persistent: (id) => {
    throw new OnebitError(`pickle: ${describe(id)} stands as a storage where only numbers belong`);
  },
  build: (value) => {
    throw new OnebitError(`pickle: state is given to ${describe(value)} where only numbers belong`);
  },
};

/** Bytes of a storage behind its element count at `offset`. */
function rawSource(buffer: AsyncBuffer, storage: StorageRef, offset: number): ByteSource {
  const { byteLength, type } = storage;
  const name = `storage ${printable(storage.key)}`;
  if (byteLength === undefined) {
    throw new OnebitError(
      `${name} is of type ${printable(type.name)}, whose size is unknown, so that what follows it cannot be found: save the state_dict alone in PyTorch`,
    );
  }
  let checked = false;
  const check = async () => {
    const count = cursorOver(await readRange(buffer, offset, offset + 8, name));
    const bytes = u64(count, `the size of ${name}`) * (type.size ?? 1);
    if (bytes !== byteLength) {
      throw new OnebitError(
        `${name} has ${bytes} bytes, declared are ${byteLength}: it is damaged`,
      );
    }
    checked = true;
  };
  const read = async (start: number, end: number) => {
    if (!checked) await check();
    return readRange(buffer, offset + 8 + start, offset + 8 + end, name);
  };
  return { byteLength, read };
}

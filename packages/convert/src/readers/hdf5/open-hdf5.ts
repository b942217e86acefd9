import { OnebitError } from "onebit";
import { type AsyncBuffer, readRange } from "../async-buffer.js";
import { type Checkpoint, checkpointOf, type MetadataValue } from "../checkpoint.js";
import { rowMajor } from "../strided.js";
import { type ByteSource, type TensorEntry, tensorEntry } from "../tensor-entry.js";
import { checkName, printable } from "../text.js";
import { Bytes, damaged } from "./bytes.js";
import { type KerasModel, kerasModel } from "./keras-model.js";
import { type Hdf5Array, type Hdf5Object, objectAt } from "./object.js";

const maxObjects = 50_000;
const maxDepth = 16;

/**
 * A Keras HDF5 file: its arrays as tensors by the groups around them, and what it says of its network. Read by
 * hand, for neither HDF5's own library nor its JavaScript one ends on every damaged file (docs/decisions/0029):
 * groups, contiguous arrays of numbers, attributes of text, as h5py writes them for Keras. What is compressed,
 * lies in another file, or reaches beyond this one is refused.
 */
export async function openHdf5(buffer: AsyncBuffer): Promise<Checkpoint> {
  const file = new Bytes(await readRange(buffer, 0, buffer.byteLength, "the HDF5 file"));
  const walk = new Walk(file);
  const root = walk.visit(rootAddress(file), []);
  const model = kerasModel(root, walk.objects);
  const description = { kind: "keras", model } as const;
  return checkpointOf(buffer, "hdf5", walk.entries, { metadata: metadataOf(model), description });
}

/** Of the root group. Offsets and lengths take 8 bytes in whatever h5py writes. */
function rootAddress(file: Bytes): number {
  const version = file.u8(8);
  if (version > 3) throw damaged(`a superblock of version ${version}`);
  const [offsets, lengths] = version < 2 ? [file.u8(13), file.u8(14)] : [file.u8(9), file.u8(10)];
  const base = file.u64(version < 2 ? 24 + 4 * version : 12);
  if (offsets !== 8 || lengths !== 8 || base !== 0) {
    throw new OnebitError(
      `HDF5 with offsets of ${offsets} bytes from byte ${base}; 8 bytes from byte 0 are read`,
    );
  }
  return file.address(version < 2 ? 64 + 4 * version : 36, "the root group");
}

function metadataOf({ version }: KerasModel): Map<string, MetadataValue> {
  return new Map(version === undefined ? [] : [["keras_version", version]]);
}

class Walk {
  readonly entries: TensorEntry[] = [];
  /** By path. */
  readonly objects = new Map<string, Hdf5Object>();
  #left: number;

  constructor(readonly file: Bytes) {
    this.#left = file.length;
  }

  visit(at: number, path: readonly string[]): Hdf5Object {
    const place = printable(path.join("/")) || "/";
    if (this.objects.size > maxObjects || path.length > maxDepth) {
      throw new OnebitError(
        `more than ${maxObjects} objects, or groups more than ${maxDepth} deep: not a Keras file`,
      );
    }
    const object = objectAt(this.file, at, place);
    this.objects.set(path.join("/"), object);
    if (object.array) this.#add(path, object.array, place);
    for (const [name, address] of object.members ?? []) {
      const inner = [...path, name];
      checkName(inner.join("/"), "an object");
      this.visit(address, inner);
    }
    return object;
  }

  #add(
    path: readonly string[],
    { shape, dtype, bigEndian, at, bytes }: Hdf5Array,
    place: string,
  ): void {
    this.#left -= bytes;
    if (this.#left < 0)
      throw damaged(`${place}: arrays lie in the same place, and are more than the file`);
    const { file } = this;
    const source: ByteSource = {
      byteLength: bytes,
      read: async (start, end) => file.part(at + start, end - start).slice(),
    };
    this.entries.push(
      tensorEntry(path, { shape, strides: rowMajor(shape), offset: 0, dtype, bigEndian }, source),
    );
  }
}

import { OnebitError } from "onebit";
import { bytesPerElement, type DType } from "../dtype.js";
import { printable } from "../text.js";
import {
  describe,
  PickleGlobal,
  PickleObject,
  PickleTuple,
  type PickleValue,
} from "./pickle-values.js";

/** Memory that tensors view. Its bytes stand elsewhere in the file, under `key`. */
export class StorageRef extends PickleObject {
  readonly kind = "storage";
  constructor(
    readonly key: string,
    /** Undefined for an untyped storage: each tensor says its own type. */
    readonly dtype: DType | undefined,
    readonly byteLength: number,
    /** Where a storage view of the old format begins inside the storage, in bytes. */
    readonly byteOffset = 0,
  ) {
    super();
  }

  get elementSize(): number {
    return this.dtype ? bytesPerElement[this.dtype] : 1;
  }
}

/** Storage classes by the name that a pickle uses: `torch.FloatStorage`. */
export const storageTypes: ReadonlyMap<string, DType> = new Map([
  ["DoubleStorage", "float64"],
  ["FloatStorage", "float32"],
  ["HalfStorage", "float16"],
  ["BFloat16Storage", "bfloat16"],
  ["LongStorage", "int64"],
  ["IntStorage", "int32"],
  ["ShortStorage", "int16"],
  ["CharStorage", "int8"],
  ["ByteStorage", "uint8"],
  ["BoolStorage", "bool"],
]);

export const untypedStorage = "torch.storage.UntypedStorage";

/** Every storage that a pickle declares; one key has one type and one size. */
export type Storages = Map<string, StorageRef>;

/**
 * Reads the persistent id of a storage: ("storage", type, key, device, elements), with a sixth entry
 * in the format before PyTorch 1.6: None, or (view key, offset, elements) of a storage view. The
 * device does not matter.
 */
export function declareStorage(id: PickleValue, storages: Storages): StorageRef {
  const parts = id instanceof PickleTuple ? id.items : [];
  const [tag, type, key, device, count, view = null] = parts;
  const whole = (value: PickleValue): value is number =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
  if (tag !== "storage" || typeof key !== "string" || typeof device !== "string" || !whole(count)) {
    throw new OnebitError(
      `pickle: ${describe(tag ?? id)} stands where a storage should: it is damaged`,
    );
  }
  const dtype = storageType(type);
  const size = dtype ? bytesPerElement[dtype] : 1;
  const storage = new StorageRef(key, dtype, count * size);
  if (!Number.isSafeInteger(storage.byteLength)) {
    throw new OnebitError(`storage ${printable(key)}: ${count} elements fit in no file`);
  }
  const known = storages.get(key) ?? storage;
  if (known.dtype !== dtype || known.byteLength !== storage.byteLength) {
    throw new OnebitError(
      `storage ${printable(key)} is declared twice, with different types or sizes`,
    );
  }
  storages.set(key, known);
  if (view === null) return known;
  const [, offset, elements] = view instanceof PickleTuple ? view.items : [];
  if (!whole(offset) || !whole(elements) || (offset + elements) * size > known.byteLength) {
    throw new OnebitError(`storage ${printable(key)}: a view lies outside it: the file is damaged`);
  }
  return new StorageRef(key, dtype, elements * size, offset * size);
}

function storageType(type: PickleValue): DType | undefined {
  if (!(type instanceof PickleGlobal)) {
    throw new OnebitError(`pickle: ${describe(type)} is no type of storage: it is damaged`);
  }
  if (type.name === untypedStorage) return undefined;
  const dtype = storageTypes.get(type.name.slice(type.name.lastIndexOf(".") + 1));
  if (dtype) return dtype;
  throw new OnebitError(`pickle: ${type.name} is no type of storage: it is damaged`);
}

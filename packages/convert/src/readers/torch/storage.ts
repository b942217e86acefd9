import { OnebitError } from "onebit";
import { bytesPerElement, type DType } from "../dtype.js";
import { printable } from "../text.js";
import {
  describe,
  PickleGlobal,
  PickleObject,
  PickleOpaque,
  PickleTuple,
  type PickleValue,
} from "./pickle-values.js";

/** What a storage holds. */
export interface StorageType {
  readonly name: string;
  /** Undefined where each tensor says its own type (untyped), and where the type is not read. */
  readonly dtype?: DType;
  /** Bytes per element; undefined where the type is unknown. */
  readonly size?: number;
}

/** Memory that tensors view. Its bytes stand elsewhere in the file, under `key`. */
export class StorageRef extends PickleObject {
  readonly kind = "storage";
  constructor(
    readonly key: string,
    readonly type: StorageType,
    /** Undefined where the type is unknown. */
    readonly byteLength: number | undefined,
    /** Where a storage view of the old format begins inside the storage, in bytes. */
    readonly byteOffset = 0,
  ) {
    super();
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

/** Storages that are passed over; in old files their sizes tell where the next one begins. */
const unreadSizes: ReadonlyMap<string, number> = new Map([
  ["ComplexDoubleStorage", 16],
  ["ComplexFloatStorage", 8],
  ["QInt32Storage", 4],
  ["QInt8Storage", 1],
  ["QUInt8Storage", 1],
  ["QUInt4x2Storage", 1],
  ["QUInt2x4Storage", 1],
]);

export const untypedStorage = "torch.storage.UntypedStorage";

/** Every storage that a pickle declares; one key has one type and one size. */
export type Storages = Map<string, StorageRef>;

/**
 * Reads the persistent id of a storage: ("storage", type, key, device, elements), with a sixth entry
 * in the format before PyTorch 1.6: None, or (view key, offset, elements) of a storage view. The
 * device does not matter. That format also has ("module", class, source file, source).
 */
export function declareStorage(id: PickleValue, storages: Storages): StorageRef | PickleOpaque {
  const parts = id instanceof PickleTuple ? id.items : [];
  if (parts[0] === "module" && parts[1] instanceof PickleOpaque) return parts[1];
  const [tag, type, key, device, count, view = null] = parts;
  if (tag !== "storage" || typeof key !== "string" || typeof device !== "string" || !whole(count)) {
    throw new OnebitError(
      `pickle: ${describe(tag ?? id)} stands where a storage should: it is damaged`,
    );
  }
  const held = storageType(type);
  const known = storages.get(key);
  if (known && known.type.name !== held.name) throw declaredTwice(key);
  const storage = new StorageRef(key, held, sizeOf(key, held, count));
  if (known && known.byteLength !== storage.byteLength) throw declaredTwice(key);
  if (!known) storages.set(key, storage);
  return view === null ? storage : viewOf(storage, view);
}

function sizeOf(key: string, { size }: StorageType, count: number): number | undefined {
  if (size === undefined || Number.isSafeInteger(count * size)) return size && count * size;
  throw new OnebitError(`storage ${printable(key)}: ${count} elements fit in no file`);
}

const declaredTwice = (key: string): OnebitError =>
  new OnebitError(`storage ${printable(key)} is declared twice, with different types or sizes`);

function viewOf({ key, type, byteLength = 0 }: StorageRef, view: PickleValue): StorageRef {
  const [, offset, elements] = view instanceof PickleTuple ? view.items : [];
  const { size = 1 } = type;
  if (!whole(offset) || !whole(elements) || (offset + elements) * size > byteLength) {
    throw new OnebitError(`storage ${printable(key)}: a view lies outside it: the file is damaged`);
  }
  return new StorageRef(key, type, elements * size, offset * size);
}

const whole = (value: PickleValue): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

function storageType(type: PickleValue): StorageType {
  if (!(type instanceof PickleGlobal || type instanceof PickleOpaque)) {
    throw new OnebitError(`pickle: ${describe(type)} is no type of storage: it is damaged`);
  }
  const name = type instanceof PickleGlobal ? type.name : type.kind;
  if (name === untypedStorage) return { name, size: 1 };
  const short = name.slice(name.lastIndexOf(".") + 1);
  const dtype = storageTypes.get(short);
  if (dtype) return { name: short, dtype, size: bytesPerElement[dtype] };
  if (type instanceof PickleOpaque) return { name, size: unreadSizes.get(short) };
  throw new OnebitError(`pickle: ${name} is no type of storage: it is damaged`);
}

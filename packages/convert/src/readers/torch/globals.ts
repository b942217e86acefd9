import { OnebitError } from "onebit";
import type { DType } from "../dtype.js";
import { printable } from "../text.js";
import { buildObject, encodeLatin1, makeNumpyType, numpyScalar } from "./numpy-scalars.js";
import type { PicklePolicy } from "./pickle.js";
import {
  describe,
  PickleDict,
  PickleGlobal,
  PickleList,
  PickleObject,
  PickleTuple,
  type PickleValue,
} from "./pickle-values.js";
import {
  declareStorage,
  StorageRef,
  type Storages,
  storageTypes,
  untypedStorage,
} from "./storage.js";

/** A view of a storage; offset and strides count elements. */
export class TensorRef extends PickleObject {
  readonly kind = "tensor";
  constructor(
    readonly storage: StorageRef,
    readonly dtype: DType,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {
    super();
  }
}

type Call = (args: readonly PickleValue[]) => PickleValue;

const calls: Readonly<Record<string, Call>> = {
  "collections.OrderedDict": orderedDict,
  "collections.defaultdict": () => new PickleDict(),
  "collections.Counter": ([counts]) => (counts instanceof PickleDict ? counts : new PickleDict()),
  "torch._utils._rebuild_tensor": rebuildTensor,
  "torch._utils._rebuild_tensor_v2": rebuildTensor,
  "torch._utils._rebuild_tensor_v3": ([storage, offset, shape, strides, , , dtype]) =>
    rebuildTensor([storage, offset, shape, strides], dtypeOf(dtype)),
  "torch._utils._rebuild_parameter": ([data]) => expectTensor(data),
  "torch.Size": ([sizes]) => new PickleTuple(integers(sizes, "torch.Size")),
  "torch.device": deviceName,
  "numpy.core.multiarray.scalar": numpyScalar,
  "numpy._core.multiarray.scalar": numpyScalar,
  "numpy.dtype": makeNumpyType,
  "_codecs.encode": encodeLatin1,
};

const torchTypes: ReadonlyMap<string, DType> = new Map([
  ["torch.float64", "float64"],
  ["torch.float32", "float32"],
  ["torch.float16", "float16"],
  ["torch.bfloat16", "bfloat16"],
  ["torch.int64", "int64"],
  ["torch.int32", "int32"],
  ["torch.int16", "int16"],
  ["torch.int8", "int8"],
  ["torch.uint64", "uint64"],
  ["torch.uint32", "uint32"],
  ["torch.uint16", "uint16"],
  ["torch.uint8", "uint8"],
  ["torch.bool", "bool"],
]);

/** Names that stand for something but cannot be called: types of storages and elements, factories. */
const inert: ReadonlySet<string> = new Set([
  untypedStorage,
  ...[...storageTypes.keys()].flatMap((name) => [`torch.${name}`, `torch.cuda.${name}`]),
  ...torchTypes.keys(),
  ...["dict", "list", "int", "float"].flatMap((name) => [
    `builtins.${name}`,
    `__builtin__.${name}`,
  ]),
]);

/** The allow-list of PyTorch checkpoints: tensors, ordered dicts, storages, NumPy scalars. */
export function torchPolicy(storages: Storages): PicklePolicy {
  return { find: findGlobal, persistent: (id) => declareStorage(id, storages), build: buildObject };
}

function findGlobal(module: string, name: string): PickleGlobal {
  const full = `${module}.${name}`;
  if (Object.hasOwn(calls, full)) return new PickleGlobal(full, calls[full]);
  if (inert.has(full)) return new PickleGlobal(full);
  throw new OnebitError(
    `pickle: it names ${printable(full)}, which no plain checkpoint needs: refused, nothing was executed. If you trust the file, load it in PyTorch and save only its state_dict`,
  );
}

/** OrderedDict() or, from Python 2, OrderedDict([[key, value], ...]). */
function orderedDict(args: readonly PickleValue[]): PickleDict {
  const dict = new PickleDict();
  const [pairs] = args;
  if (pairs === undefined) return dict;
  for (const pair of sequence(pairs, "collections.OrderedDict")) {
    const [key, value, ...rest] = sequence(pair, "collections.OrderedDict");
    if (value === undefined || rest.length > 0) {
      throw new OnebitError("pickle: an item of an OrderedDict is no pair: it is damaged");
    }
    dict.set(key, value);
  }
  return dict;
}

function rebuildTensor(args: readonly PickleValue[], given?: DType): TensorRef {
  const [storage, offset, shape, strides] = args;
  if (!(storage instanceof StorageRef)) {
    throw new OnebitError(`pickle: a tensor over ${describe(storage ?? null)}: it is damaged`);
  }
  const dtype = given ?? storage.dtype;
  if (!dtype || (storage.dtype && storage.dtype !== dtype)) {
    throw new OnebitError(
      `pickle: the type of a tensor over storage ${printable(storage.key)} is unclear`,
    );
  }
  const [start] = integers(new PickleTuple([offset ?? null]), "a tensor's offset");
  const sizes = integers(shape, "a tensor's shape");
  return new TensorRef(storage, dtype, start, sizes, integers(strides, "a tensor's strides"));
}

/** torch.device("cuda", 0) is read as "cuda:0". */
function deviceName([type, index]: readonly PickleValue[]): string {
  if (typeof type !== "string") {
    throw new OnebitError(`pickle: a device named ${describe(type ?? null)}: it is damaged`);
  }
  return typeof index === "number" ? `${type}:${index}` : type;
}

function expectTensor(value: PickleValue): TensorRef {
  if (value instanceof TensorRef) return value;
  throw new OnebitError(`pickle: a parameter made of ${describe(value ?? null)}: it is damaged`);
}

function dtypeOf(value: PickleValue): DType {
  const dtype = value instanceof PickleGlobal ? torchTypes.get(value.name) : undefined;
  if (dtype) return dtype;
  throw new OnebitError(`pickle: ${describe(value ?? null)} is no element type: it is damaged`);
}

function sequence(value: PickleValue, what: string): readonly PickleValue[] {
  if (value instanceof PickleTuple || value instanceof PickleList) return value.items;
  throw new OnebitError(`pickle: ${what} gets ${describe(value ?? null)}: it is damaged`);
}

function integers(value: PickleValue, what: string): number[] {
  const items = sequence(value, what);
  const numbers = items.filter((item) => typeof item === "number" && Number.isSafeInteger(item));
  if (numbers.length === items.length) return numbers as number[];
  throw new OnebitError(`pickle: ${what} is not made of integers: it is damaged`);
}

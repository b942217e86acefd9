import { OnebitError } from "onebit";
import type { DType } from "../dtype.js";
import { printable } from "../text.js";
import {
  encodeLatin1,
  makeNumpyType,
  NumpyType,
  numpyScalar,
  setNumpyTypeState,
} from "./numpy-scalars.js";
import type { PicklePolicy } from "./pickle.js";
import {
  describe,
  PickleDict,
  PickleGlobal,
  PickleList,
  PickleObject,
  PickleOpaque,
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
  "collections.deque": deque,
  "torch._utils._rebuild_tensor": (args) => rebuildTensor(args),
  "torch._utils._rebuild_tensor_v2": (args) => rebuildTensor(args),
  "torch._utils._rebuild_tensor_v3": rebuildTyped,
  "torch._utils._rebuild_parameter": ([data]) => expectTensor(data),
  "torch._utils._rebuild_parameter_with_state": ([data]) => expectTensor(data),
  "torch.nn.parameter.Parameter": ([data]) => expectTensor(data),
  "torch._tensor._rebuild_from_type": rebuildFromType,
  "torch._tensor._rebuild_from_type_v2": rebuildFromType,
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
  ...["dict", "list", "set", "int", "float"].flatMap((name) => [
    `builtins.${name}`,
    `__builtin__.${name}`,
  ]),
]);

/**
 * The allow-list of PyTorch checkpoints: tensors, ordered dicts, storages, NumPy scalars. Every other
 * name is opaque.
 */
export function torchPolicy(storages: Storages): PicklePolicy {
  return { find: findGlobal, persistent: (id) => declareStorage(id, storages), build };
}

/**
 * State for an ordered dict (`_metadata`, module versions) or a tensor means nothing here; that of an
 * opaque value tells whether it is a network.
 */
function build(value: PickleValue, state: PickleValue): void {
  if (value instanceof NumpyType) setNumpyTypeState(value, state);
  else if (value instanceof PickleOpaque) value.isModule ||= isModuleState(state);
  else if (!(value instanceof TensorRef || (value instanceof PickleDict && isAttributes(state)))) {
    throw new OnebitError(`pickle: state is given to ${describe(value)}: it is damaged`);
  }
}

const isAttributes = (state: PickleValue): boolean =>
  state instanceof PickleDict || state instanceof PickleTuple;

const isModuleState = (state: PickleValue): boolean =>
  state instanceof PickleDict && state.entries.has("_parameters") && state.entries.has("_modules");

function findGlobal(module: string, name: string): PickleGlobal | PickleOpaque {
  const full = `${module}.${name}`;
  if (Object.hasOwn(calls, full)) return new PickleGlobal(full, calls[full]);
  return inert.has(full) ? new PickleGlobal(full) : new PickleOpaque(full);
}

/** OrderedDict() or, from Python 2, OrderedDict([[key, value], ...]). */
function orderedDict([pairs]: readonly PickleValue[]): PickleValue {
  const dict = new PickleDict();
  if (pairs === undefined) return dict;
  if (pairs instanceof PickleOpaque) return new PickleOpaque("collections.OrderedDict");
  for (const pair of sequence(pairs, "collections.OrderedDict")) {
    const [key, value, ...rest] = sequence(pair, "collections.OrderedDict");
    if (value === undefined || rest.length > 0) {
      throw new OnebitError("pickle: an item of an OrderedDict is no pair: it is damaged");
    }
    dict.set(key, value);
  }
  return dict;
}

/** deque(items, maxlen); items may also be appended later. */
function deque([items]: readonly PickleValue[]): PickleList {
  const list = new PickleList();
  if (items instanceof PickleList || items instanceof PickleTuple) {
    for (const item of items.items) list.items.push(item);
  }
  return list;
}

/** A subclass of torch.Tensor over plain values, or a tensor with attributes: (function, class, args, state). */
function rebuildFromType(args: readonly PickleValue[]): PickleValue {
  const [rebuild, type = null, given] = args;
  const name = describe(type);
  if (!(rebuild instanceof PickleGlobal && rebuild.call)) return new PickleOpaque(name);
  if (rebuild.call === rebuildFromType || !(given instanceof PickleTuple)) {
    throw new OnebitError(`pickle: a tensor of ${name} is made of nothing: it is damaged`);
  }
  return rebuild.call(given.items);
}

function rebuildTensor(args: readonly PickleValue[], given?: DType): PickleValue {
  const [storage, offset, shape, strides] = args;
  if (storage instanceof PickleOpaque) return new PickleOpaque(`tensor over ${storage.kind}`);
  if (!(storage instanceof StorageRef)) {
    throw new OnebitError(`pickle: a tensor over ${describe(storage ?? null)}: it is damaged`);
  }
  const { name, dtype: own } = storage.type;
  if (!own && name !== untypedStorage) return new PickleOpaque(`tensor over ${name}`);
  const dtype = given ?? own;
  if (!dtype || (own && own !== dtype)) {
    throw new OnebitError(
      `pickle: the type of a tensor over storage ${printable(storage.key)} is unclear`,
    );
  }
  const [start] = integers(new PickleTuple([offset ?? null]), "a tensor's offset");
  const sizes = integers(shape, "a tensor's shape");
  return new TensorRef(storage, dtype, start, sizes, integers(strides, "a tensor's strides"));
}

/** Its sixth argument is the type of the elements; there are types that are not read, as float8. */
function rebuildTyped(args: readonly PickleValue[]): PickleValue {
  const type = args[6] ?? null;
  if (type instanceof PickleOpaque) return new PickleOpaque(`tensor of ${type.kind}`);
  return rebuildTensor(args, dtypeOf(type));
}

/** torch.device("cuda", 0) is read as "cuda:0". */
function deviceName([type, index]: readonly PickleValue[]): string {
  if (typeof type !== "string") {
    throw new OnebitError(`pickle: a device named ${describe(type ?? null)}: it is damaged`);
  }
  return typeof index === "number" ? `${type}:${index}` : type;
}

function expectTensor(value: PickleValue): PickleValue {
  if (value instanceof TensorRef || value instanceof PickleOpaque) return value;
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

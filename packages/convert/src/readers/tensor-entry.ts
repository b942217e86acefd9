import { OnebitError } from "onebit";
import { counted } from "onebit/words";
import {
  bytesPerElement,
  type DType,
  decodeElements,
  swapByteOrder,
  type TensorValues,
  toFloat32,
} from "./dtype.js";
import { elementCount, gather, isRowMajor, spanOf } from "./strided.js";
import { checkName } from "./text.js";

/** One tensor of a checkpoint. Nothing of its values is read before one of the readers is called. */
export interface TensorEntry {
  /** The path joined with dots: `state_dict.module.fc.weight`. */
  readonly key: string;
  /** Keys of the nested dicts, outermost first: `["state_dict", "module.fc.weight"]`. */
  readonly path: readonly string[];
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Number of elements. */
  readonly elements: number;
  /** The elements as little-endian bytes in row-major order. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  /** The elements in row-major order; float16 and bfloat16 as float32. */
  read(): Promise<TensorValues>;
  /** The elements as float32, rounded where the type is wider. */
  floats(): Promise<Float32Array<ArrayBuffer>>;
}

/** Bytes of one storage, array or file region; every read gives memory of its own. */
export interface ByteSource {
  readonly byteLength: number;
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** A view of a source: offset and strides count elements. */
export interface TensorLayout {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
  readonly dtype: DType;
  readonly bigEndian?: boolean;
}

/** A view whose elements overlap (`expand`) may be larger than its storage, up to this many elements. */
const maxExpanded = 2 ** 22;

/** Checks the layout against the source, so that reading can only fail where the source does. */
export function tensorEntry(
  path: readonly string[],
  layout: TensorLayout,
  source: ByteSource,
): TensorEntry {
  const key = path.join(".");
  const { shape, dtype } = layout;
  checkName(key, "a tensor");
  const elements = elementCount(shape, key);
  checkLayout(key, layout, elements, source.byteLength);
  const bytes = () => readLayout(layout, source);
  const read = async () => {
    const stored = await bytes();
    return inMemory(key, () => decodeElements(stored, dtype));
  };
  const floats = async () => {
    const values = await read();
    return inMemory(key, () => toFloat32(values));
  };
  return { key, path, shape, dtype, elements, bytes, read, floats };
}

/** A RangeError is what the engine says where there is no more memory. */
function inMemory<T>(key: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new OnebitError(`${key}: too large to hold in memory`, { cause: error });
  }
}

function checkLayout(key: string, layout: TensorLayout, elements: number, available: number): void {
  const { shape, strides, offset, dtype } = layout;
  if (strides.length !== shape.length) {
    throw new OnebitError(
      `${key}: ${counted(shape.length, "dimension")} but ${counted(strides.length, "stride")}`,
    );
  }
  for (const step of [offset, ...strides]) {
    if (!Number.isSafeInteger(step) || step < 0) {
      throw new OnebitError(`${key}: ${step} is no offset or stride: a tensor runs forwards`);
    }
  }
  const end = (offset + spanOf(shape, strides)) * bytesPerElement[dtype];
  if (elements > 0 && !(end <= available)) {
    throw new OnebitError(
      `${key}: ${shape.join(" x ")} ${dtype} with strides ${strides.join(", ")} from element ${offset} needs ${end} bytes, its storage has ${available}`,
    );
  }
  if (elements > maxExpanded && elements * bytesPerElement[dtype] > available) {
    throw new OnebitError(
      `${key}: ${elements} elements out of a storage of ${available} bytes: save it with .contiguous()`,
    );
  }
}

async function readLayout(layout: TensorLayout, source: ByteSource) {
  const { shape, strides, offset, dtype } = layout;
  const size = bytesPerElement[dtype];
  const span = spanOf(shape, strides);
  if (span === 0) return new Uint8Array(0);
  const stored = await source.read(offset * size, (offset + span) * size);
  if (layout.bigEndian) swapByteOrder(stored, size);
  if (isRowMajor(shape, strides)) return stored;
  return inMemory("a tensor", () => gather(stored, size, shape, strides));
}

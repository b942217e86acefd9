import { OnebitError } from "onebit";
import { decodeElements, swapByteOrder } from "../dtype.js";
import { isNumber, numpyType } from "../numpy-type.js";
import {
  describe,
  PickleObject,
  PickleOpaque,
  PickleTuple,
  type PickleValue,
} from "./pickle-values.js";

/** numpy.dtype, as the type of a scalar (a metric that NumPy computed). */
export class NumpyType extends PickleObject {
  readonly kind = "numpy.dtype";
  bigEndian = false;
  constructor(readonly code: string) {
    super();
  }
}

/** numpy.dtype("f8", align, copy); opaque for texts, dates, records and objects. */
export function makeNumpyType(args: readonly PickleValue[]): NumpyType | PickleOpaque {
  const [code] = args;
  if (typeof code !== "string" || code.length > 64) {
    throw new OnebitError(`pickle: numpy.dtype of ${describe(code ?? null)}: it is damaged`);
  }
  return isNumber(code) ? new NumpyType(code) : new PickleOpaque(`numpy.dtype ${code}`);
}

/** The state of a dtype is (version, byte order, ...); the rest describes structured types. */
export function setNumpyTypeState(type: NumpyType, state: PickleValue): void {
  const [, order] = state instanceof PickleTuple ? state.items : [];
  if (typeof order !== "string" || !"<>|=".includes(order) || order.length !== 1) {
    throw new OnebitError("pickle: the state of a numpy.dtype is damaged");
  }
  type.bigEndian = order === ">";
}

/** numpy.core.multiarray.scalar(dtype, bytes). */
export function numpyScalar(args: readonly PickleValue[]): PickleValue {
  const [type, raw] = args;
  if (type instanceof PickleOpaque) return new PickleOpaque("numpy.generic");
  const bytes = typeof raw === "string" ? latin1(raw) : raw;
  if (!(type instanceof NumpyType) || !(bytes instanceof Uint8Array)) {
    throw new OnebitError("pickle: a numpy scalar lacks its type or its bytes: it is damaged");
  }
  const { dtype, size } = numpyType(`<${type.code}`, "pickle: a numpy scalar");
  if (bytes.length !== size) {
    throw new OnebitError(`pickle: a numpy ${dtype} of ${bytes.length} bytes: it is damaged`);
  }
  const copy = bytes.slice();
  if (type.bigEndian) swapByteOrder(copy, size);
  const value = decodeElements(copy, dtype)[0];
  return dtype === "bool" ? value === 1 : smallInteger(value);
}

const smallInteger = (value: number | bigint): number | bigint =>
  typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value;

/** Bytes of more characters belong to arrays, which are not read. */
const longestScalar = 64;

/** _codecs.encode(text, "latin1"): how protocol 2 writes the bytes of Python 3. */
export function encodeLatin1(args: readonly PickleValue[]): PickleValue {
  const [text, encoding] = args;
  if (typeof text !== "string") {
    throw new OnebitError(`pickle: _codecs.encode of ${describe(text ?? null)}: it is damaged`);
  }
  const isLatin1 = encoding === "latin1" || encoding === "latin-1";
  return isLatin1 && text.length <= longestScalar ? latin1(text) : new PickleOpaque("bytes");
}

function latin1(text: string): Uint8Array<ArrayBuffer> {
  const codes = Uint16Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  if (codes.some((code) => code > 255)) {
    throw new OnebitError("pickle: a text of latin1 bytes has other characters: it is damaged");
  }
  return Uint8Array.from(codes);
}

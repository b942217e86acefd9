import { OnebitError } from "../errors.js";
import { array, integers, record } from "../program/json.js";
import { NameTable, readNames } from "../program/name-table.js";
import type { StoredTensor } from "./safetensors.js";

/**
 * The small float32 tensors of a file (vectors, gates) lie one after another in one tensor: a header
 * entry each would take more bytes than many of them.
 */
export const SMALL_FLOATS_KEY = ":floats";

/** Bytes from which on a tensor has an entry of its own. */
const LARGE = 16_384;

/** Names (see NameTable) and shapes, in the order of the data. */
export interface SmallFloats {
  readonly names: NameTable["scopes"];
  readonly shapes: readonly (readonly number[])[];
}

type Stored = { readonly [key: string]: StoredTensor };

const isSmall = ({ dtype, data }: StoredTensor) => dtype === "F32" && data.length < LARGE;

/** The same tensors with the small float32 ones as one, and where they lie in it. */
export function joinSmallFloats(stored: Stored): { tensors: Stored; floats?: SmallFloats } {
  const keys = Object.keys(stored).filter((key) => isSmall(stored[key]));
  if (keys.length === 0) return { tensors: stored };
  const table = new NameTable(keys);
  const ordered = readNames(table.scopes).map((key) => stored[key]);
  const data = new Uint8Array(ordered.reduce((total, tensor) => total + tensor.data.length, 0));
  let at = 0;
  for (const tensor of ordered) {
    data.set(tensor.data, at);
    at += tensor.data.length;
  }
  const rest = Object.entries(stored).filter(([, tensor]) => !isSmall(tensor));
  const joined: StoredTensor = { dtype: "F32", shape: [data.length / 4], data };
  return {
    tensors: { ...Object.fromEntries(rest), [SMALL_FLOATS_KEY]: joined },
    floats: { names: table.scopes, shapes: ordered.map(({ shape }) => shape) },
  };
}

/** What joinSmallFloats was given, from any JSON value. Tensors are views of the stored data. */
export function splitSmallFloats(table: unknown, stored: Stored): Stored {
  if (table === undefined) return stored;
  const where = "onebit.floats";
  const compact = record(table, where);
  const names = readNames(compact.names);
  const shapes = array(compact.shapes, where).map((shape) => integers(shape, where));
  const { [SMALL_FLOATS_KEY]: joined, ...rest } = stored;
  const tensors: { [key: string]: StoredTensor } = Object.assign(Object.create(null), rest);
  let at = 0;
  names.forEach((name, i) => {
    if (Object.hasOwn(tensors, name)) {
      throw new OnebitError(`${where}: there are two tensors "${name}"`);
    }
    const end = at + 4 * elements(shapes[i]);
    tensors[name] = { dtype: "F32", shape: shapes[i], data: joined?.data.subarray(at, end) };
    at = end;
  });
  if (names.length === shapes.length && joined?.dtype === "F32" && joined.data.length === at) {
    return tensors;
  }
  throw new OnebitError(
    `${where}: ${names.length} names and ${shapes.length} shapes do not fit tensor "${SMALL_FLOATS_KEY}"`,
  );
}

/** NaN, which fits nothing, unless every side is positive. */
function elements(shape: readonly number[] = []): number {
  const sound = shape.length > 0 && shape.every((side) => side > 0);
  return sound ? shape.reduce((product, side) => product * side, 1) : Number.NaN;
}

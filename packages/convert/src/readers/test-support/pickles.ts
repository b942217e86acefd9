import { bytes, int, type Part } from "./bytes.js";

/** A pickle of protocol 2 around one value. */
export const pickle = (...value: readonly Part[]) => bytes(0x80, 2, value, ".");

export const text = (value: string): Part => ["X", int(Buffer.byteLength(value), 4), value];
export const none: Part = "N";
export const integer = (value: number | bigint): Part =>
  typeof value === "number" && Math.abs(value) < 2 ** 31
    ? ["J", int(value, 4)]
    : [0x8a, 9, int(value, 9)];
export const global = (module: string, name: string): Part => ["c", module, "\n", name, "\n"];
export const tuple = (...items: readonly Part[]): Part => ["(", items, "t"];
export const list = (...items: readonly Part[]): Part => ["](", items, "e"];
export const dict = (...pairs: readonly (readonly [Part, Part])[]): Part => ["}(", pairs, "u"];
export const call = (callee: Part, ...args: readonly Part[]): Part => [callee, tuple(...args), "R"];
export const orderedDict = call(global("collections", "OrderedDict"));

export interface StorageSpec {
  key?: Part;
  type?: Part;
  device?: Part;
  count: number | bigint;
  view?: readonly Part[];
}

export function storage({
  key = text("0"),
  type,
  device = text("cpu"),
  count,
  view = [],
}: StorageSpec): Part {
  const kind = type ?? global("torch", "FloatStorage");
  return [tuple(text("storage"), kind, key, device, integer(count), ...view), "Q"];
}

export interface TensorSpec {
  storage: Part;
  offset?: number;
  shape: readonly (number | bigint)[];
  strides: readonly (number | bigint)[];
}

/** A tensor as torch.save writes it. */
export function tensor({ storage: over, offset = 0, shape, strides }: TensorSpec): Part {
  return call(
    global("torch._utils", "_rebuild_tensor_v2"),
    over,
    integer(offset),
    tuple(...shape.map(integer)),
    tuple(...strides.map(integer)),
    0x89,
    orderedDict,
  );
}

/** A pre-1.6 file around `root`, with the storages' elements as given. */
export function legacyFile(
  root: Part,
  storages: readonly { key: string; count: number; data: Uint8Array }[],
  properties: Part = dict([text("little_endian"), 0x88]),
): Uint8Array<ArrayBuffer> {
  return bytes(
    pickle(0x8a, 10, int(0x1950a86a20f9469cfc6cn, 10)),
    pickle(integer(1001)),
    pickle(properties),
    pickle(root),
    pickle(list(...storages.map((one) => text(one.key)))),
    storages.map((one) => [int(one.count, 8), one.data]),
  );
}

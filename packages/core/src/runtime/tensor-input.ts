import { classOf, describe } from "../describe.js";
import { UsageError } from "../errors.js";
import { type FiniteCheck, finiteCheck } from "../program/all-finite.js";
import { elementCount, type MapShape } from "../program/geometry.js";
import { toChannelsLast } from "./channels-last.js";

/** A dense row-major array of float32. */
export interface FloatTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Normalised images [N, C, H, W]. What is not float32 is rounded to it. */
export interface TensorInput {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | readonly number[];
}

let allFinite: FiniteCheck | undefined;

/** The images as float32, where they are as many as their shape says, finite, and as the program takes them. */
export function checkTensor(input: unknown, map: MapShape): FloatTensor {
  const wanted = shapeText("N", map);
  if (typeof input !== "object" || input === null || !("shape" in input && "data" in input)) {
    throw new UsageError(`input: ${describe(input)}${adviceFor(input, map)}`);
  }
  const shape = checkShape(input.shape, map);
  const count = shape[0] * elementCount(map);
  const data = floatsOf(input.data, wanted);
  if (data.length !== count) {
    const gone = data.length === 0 ? " (was its memory transferred away?)" : "";
    throw new UsageError(
      `input ${listed(shape)} holds ${data.length} numbers instead of ${count}${gone}`,
    );
  }
  const floats = data instanceof Float32Array ? data : Float32Array.from(data);
  allFinite ??= finiteCheck();
  if (allFinite(floats)) return { shape, data: floats };
  throw new UsageError(notFinite(floats, shape));
}

/** [N, C, H, W] to [N, H, W, C], checked against what the program takes. */
export function prepareTensor(
  input: unknown,
  map: MapShape,
): { batch: Float32Array; count: number } {
  const { shape, data } = checkTensor(input, map);
  const [count] = shape;
  const size = data.length / count;
  const batch = new Float32Array(data.length);
  for (let n = 0; n < count; n++) {
    toChannelsLast(data.subarray(n * size, (n + 1) * size), map, batch.subarray(n * size));
  }
  return { batch, count };
}

function checkShape(given: unknown, map: MapShape): number[] {
  const [height, width, channels] = map;
  const isList = Array.isArray(given) || ArrayBuffer.isView(given);
  const shape = isList ? Array.from(given as ArrayLike<number>) : [];
  const [count, ...rest] = shape;
  const fits = rest.join() === [channels, height, width].join();
  if (fits && Number.isSafeInteger(count) && count >= 1) return shape;
  const shown = isList ? listed(shape) : `of shape ${describe(given)}`;
  throw new UsageError(`input ${shown} does not fit: ${misfit(shape, map)}`);
}

/** What is wrong with a shape, as far as it can be told, and what is wanted. */
function misfit(shape: readonly number[], map: MapShape): string {
  const [height, width, channels] = map;
  const wanted = shapeText("N", map);
  if (shape.length === 4 && shape[3] === channels && shape[1] !== channels) {
    return `channels are last; give ${wanted}`;
  }
  if (shape.join() === [channels, height, width].join()) {
    return `one image is ${shapeText("1", map)}`;
  }
  const resizable = shape.length === 4 && shape[1] === channels && shape[2] > 0 && shape[3] > 0;
  if (!resizable || (shape[2] === height && shape[3] === width)) return `${wanted} is wanted`;
  return `${wanted} is wanted; other sizes: load(file, { input: [${shape[2]}, ${shape[3]}] })`;
}

function floatsOf(data: unknown, wanted: string): Float32Array | ArrayLike<number> {
  const kind = classOf(data);
  if (kind === "Float32Array") return data as Float32Array;
  if (kind === "Float64Array" || kind === "Float16Array") return data as Float64Array;
  if (Array.isArray(data) && data.every((x) => typeof x === "number")) return data;
  if (Array.isArray(data)) {
    throw new UsageError("input: data is a list of other things than numbers: give a flat list");
  }
  const pixels = /^(Ui|I)nt\d+(Clamped)?Array$/.test(kind)
    ? `; pixels { data, width, height } go to classify(), which prepares them`
    : "";
  throw new UsageError(
    `input: data is ${describe(data)}: normalised images ${wanted} are wanted, as a Float32Array${pixels}`,
  );
}

function notFinite(data: Float32Array, shape: readonly number[]): string {
  const at = data.findIndex((x) => !Number.isFinite(x));
  const bad = data.reduce((n, x) => n + Number(!Number.isFinite(x)), 0);
  return `input ${listed(shape)}: ${bad} of ${data.length} numbers are not finite, the first (${data[at]}) at ${listed(indexOf(at, shape))}; look at how the images were normalised`;
}

/** The place of an element by its number. */
function indexOf(at: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  let rest = at;
  for (const dim of [...shape].reverse()) {
    index.unshift(rest % dim);
    rest = Math.floor(rest / dim);
  }
  return index;
}

function adviceFor(input: unknown, map: MapShape): string {
  if (classOf(input) === "Promise") return ": await it first";
  const shape = shapeText("1", map);
  if (Array.isArray(input)) {
    return `: give { shape: ${shape}, data: list.flat(3) }`;
  }
  if (ArrayBuffer.isView(input)) return `: give { shape: ${shape}, data }`;
  const isImage = typeof input === "object" && input !== null && "width" in input;
  return `: { shape: ${shapeText("N", map)}, data: Float32Array } is wanted${isImage ? "; pictures go to classify()" : ""}`;
}

function shapeText(count: string, [height, width, channels]: MapShape): string {
  return `[${count}, ${channels}, ${height}, ${width}]`;
}

function listed(shape: readonly number[]): string {
  return `[${shape.slice(0, 8).join(", ")}${shape.length > 8 ? ", ..." : ""}]`;
}

import { classOf, describe } from "../describe.js";
import { UsageError } from "../errors.js";
import { type FiniteCheck, finiteCheck } from "../program/all-finite.js";
import type { MapShape } from "../program/geometry.js";
import { toChannelsLast } from "./channels-last.js";
import type { TensorInfo } from "./model.js";

/** A dense row-major array of float32. */
export interface FloatTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** [N, C, H, W], or [N, C] of vectors. What is not float32 is rounded to it. */
export interface TensorInput {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | readonly number[];
}

let allFinite: FiniteCheck | undefined;

/** The items as float32, where they are as many as their shape says, finite, and as the program takes them. */
export function checkTensor(input: unknown, info: TensorInfo, where: string): FloatTensor {
  if (typeof input !== "object" || input === null || !("shape" in input && "data" in input)) {
    throw new UsageError(`${where}: ${describe(input)}${adviceFor(input, info)}`);
  }
  const shape = checkShape(input.shape, info, where);
  const count = shape.reduce((product, dim) => product * dim, 1);
  const data = floatsOf(input.data, info, where);
  if (data.length !== count) {
    const gone = data.length === 0 ? " (was its memory transferred away?)" : "";
    throw new UsageError(
      `${where} ${listed(shape)} holds ${data.length} numbers instead of ${count}${gone}`,
    );
  }
  const floats = data instanceof Float32Array ? data : Float32Array.from(data);
  allFinite ??= finiteCheck();
  if (allFinite(floats)) return { shape, data: floats };
  throw new UsageError(notFinite(floats, shape, where));
}

/** [N, C, H, W] to [N, H, W, C]. */
export function interleaved(planes: Float32Array, count: number, map: MapShape): Float32Array {
  const size = planes.length / count;
  const batch = new Float32Array(planes.length);
  for (let n = 0; n < count; n++) {
    toChannelsLast(planes.subarray(n * size, (n + 1) * size), map, batch.subarray(n * size));
  }
  return batch;
}

function checkShape(given: unknown, info: TensorInfo, where: string): number[] {
  const isList = Array.isArray(given) || ArrayBuffer.isView(given);
  const shape = isList ? Array.from(given as ArrayLike<number>) : [];
  const [count, ...rest] = shape;
  const fits = rest.join() === info.shape.join();
  if (fits && Number.isSafeInteger(count) && count >= 1) return shape;
  const shown = isList ? listed(shape) : `of shape ${describe(given)}`;
  throw new UsageError(`${where} ${shown} does not fit: ${misfit(shape, info)}`);
}

/** What is wrong with a shape, as far as it can be told, and what is wanted. */
function misfit(shape: readonly number[], info: TensorInfo): string {
  const wanted = shapeText("N", info);
  if (shape.join() === info.shape.join()) {
    return `one ${info.kind === "map" ? "image" : "item"} is ${shapeText("1", info)}`;
  }
  if (info.kind === "vector") return `${wanted} is wanted`;
  const [channels, height, width] = info.shape;
  if (shape.length === 4 && shape[3] === channels && shape[1] !== channels) {
    return `channels are last; give ${wanted}`;
  }
  const resizable = shape.length === 4 && shape[1] === channels && shape[2] > 0 && shape[3] > 0;
  if (!resizable || (shape[2] === height && shape[3] === width)) return `${wanted} is wanted`;
  return `${wanted} is wanted; other sizes: load(file, { input: [${shape[2]}, ${shape[3]}] })`;
}

function floatsOf(
  data: unknown,
  info: TensorInfo,
  where: string,
): Float32Array | ArrayLike<number> {
  const kind = classOf(data);
  if (kind === "Float32Array") return data as Float32Array;
  if (kind === "Float64Array" || kind === "Float16Array") return data as Float64Array;
  if (Array.isArray(data) && data.every((x) => typeof x === "number")) return data;
  if (Array.isArray(data)) {
    throw new UsageError(`${where}: data is a list of other things than numbers: give a flat list`);
  }
  const pixels = /^(Ui|I)nt\d+(Clamped)?Array$/.test(kind)
    ? `; pixels { data, width, height } go to classify(), which prepares them`
    : "";
  throw new UsageError(
    `${where}: data is ${describe(data)}: normalised numbers ${shapeText("N", info)} are wanted, as a Float32Array${pixels}`,
  );
}

function notFinite(data: Float32Array, shape: readonly number[], where: string): string {
  const at = data.findIndex((x) => !Number.isFinite(x));
  const bad = data.reduce((n, x) => n + Number(!Number.isFinite(x)), 0);
  return `${where} ${listed(shape)}: ${bad} of ${data.length} numbers are not finite, the first (${data[at]}) at ${listed(indexOf(at, shape))}; look at how they were normalised`;
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

function adviceFor(input: unknown, info: TensorInfo): string {
  if (classOf(input) === "Promise") return ": await it first";
  const shape = shapeText("1", info);
  if (Array.isArray(input)) {
    return `: give { shape: ${shape}, data: list.flat(${info.shape.length}) }`;
  }
  if (ArrayBuffer.isView(input)) return `: give { shape: ${shape}, data }`;
  const isImage = typeof input === "object" && input !== null && "width" in input;
  return `: { shape: ${shapeText("N", info)}, data: Float32Array } is wanted${isImage ? "; pictures go to classify()" : ""}`;
}

/** "[N, 3, 224, 224]" */
export function shapeText(count: string, { shape }: TensorInfo): string {
  return `[${[count, ...shape].join(", ")}]`;
}

function listed(shape: readonly number[]): string {
  return `[${shape.slice(0, 8).join(", ")}${shape.length > 8 ? ", ..." : ""}]`;
}

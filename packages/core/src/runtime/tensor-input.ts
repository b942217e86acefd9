import { type FiniteCheck, finiteCheck } from "../program/all-finite.js";
import type { MapShape } from "../program/geometry.js";
import { toChannelsLast } from "./channels-last.js";
import { floatsOf, numbersOf } from "./given-data.js";
import type { TensorInfo } from "./model.js";
import { Refused } from "./refused.js";

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
  const tensor = tensorOf(input, info);
  if (tensor) return tensor;
  throw new Refused(where, async () => {
    return (await import("../words/failures.js")).tensorWords(input, info, where);
  });
}

function tensorOf(input: unknown, info: TensorInfo): FloatTensor | undefined {
  if (typeof input !== "object" || input === null || !("shape" in input && "data" in input)) {
    return undefined;
  }
  const shape = numbersOf(input.shape);
  const data = floatsOf(input.data);
  const [count, ...rest] = shape;
  const fits = rest.join() === info.shape.join() && Number.isSafeInteger(count) && count >= 1;
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (!fits || data?.length !== size) return undefined;
  const floats = data instanceof Float32Array ? data : Float32Array.from(data);
  allFinite ??= finiteCheck();
  return allFinite(floats) ? { shape, data: floats } : undefined;
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

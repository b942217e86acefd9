import type { FloatTensor } from "onebit";

/** One image's value, [C, H, W]; vectors are [C, 1, 1]. */
export interface Value {
  readonly shape: readonly [channels: number, height: number, width: number];
  readonly data: Float32Array;
}

/** What a network computed for one image, by the names of its graph's values. */
export interface Trace {
  readonly values: ReadonlyMap<string, Value>;
  /** By the name of a sign: what it saw, minus its threshold. */
  readonly margins: ReadonlyMap<string, Value>;
}

/** A program's value [H, W, C] as [C, H, W]. */
export function planes(
  data: ArrayLike<number>,
  [height, width, channels]: readonly [number, number, number],
): Value {
  const out = new Float32Array(data.length);
  const plane = height * width;
  for (let i = 0; i < plane; i++)
    for (let c = 0; c < channels; c++) out[c * plane + i] = data[i * channels + c];
  return { shape: [channels, height, width], data: out };
}

/** [C, H, W] as [H, W, C], written to `out`. */
export function interleave({ shape, data }: Value, out: Float32Array | Int8Array): void {
  const [channels, height, width] = shape;
  const plane = height * width;
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < plane; i++) out[i * channels + c] = data[c * plane + i];
}

/** So many channels from `first` on. */
export function channelsOf({ shape, data }: Value, first: number, count: number): Value {
  const [, height, width] = shape;
  const plane = height * width;
  const part = data.subarray(first * plane, (first + count) * plane);
  return { shape: [count, height, width], data: part };
}

/** A graph's or an ONNX model's value of one image; undefined where it is no map or vector. */
export function imageValue({
  shape,
  data,
}: {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}): Value | undefined {
  const [batch, channels, height = 1, width = 1] = shape;
  if (batch !== 1 || shape.length < 2 || shape.length > 4 || shape.length === 3) return undefined;
  const floats = data instanceof Float32Array ? data : Float32Array.from(data);
  return { shape: [channels, height, width], data: floats };
}

/** Image n of a batch [N, C, H, W]. */
export function imageOf({ shape, data }: FloatTensor, n: number): FloatTensor {
  const [, ...rest] = shape;
  const size = rest.reduce((product, dim) => product * dim, 1);
  return { shape: [1, ...rest], data: data.subarray(n * size, (n + 1) * size) };
}

export function largest(data: Float32Array): number {
  let size = 0;
  for (const x of data) size = Math.max(size, Math.abs(x));
  return size;
}

import { OnebitError } from "onebit";
import { sizeOf } from "onebit/graph";
import type { NetworkTensor } from "../importer.js";

/** Numbers of a file, made when they are asked for. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly floats: () => Promise<Float32Array<ArrayBuffer>>;
}

/** A tensor of a graph made of a file's numbers. */
export function networkTensor(key: string, { shape, floats }: Numbers): NetworkTensor {
  const read = async () => {
    const data = await floats();
    if (data.length === sizeOf(shape)) return data;
    throw new OnebitError(`${key}: ${data.length} numbers where [${shape}] are wanted`);
  };
  const bytes = async () => new Uint8Array((await read()).buffer);
  const elements = sizeOf(shape);
  return { key, path: [key], shape, dtype: "float32", elements, bytes, read, floats: read };
}

/** The same numbers with their axes in another order: axis i of the result is axis order[i] of the file's. */
export function transposed({ shape, floats }: Numbers, order: readonly number[]): Numbers {
  const sizes = order.map((axis) => shape[axis]);
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const steps = order.map((axis) => strides[axis]);
  return { shape: sizes, floats: async () => gathered(await floats(), sizes, steps) };
}

function gathered(
  from: Float32Array,
  sizes: readonly number[],
  steps: readonly number[],
): Float32Array<ArrayBuffer> {
  const data = new Float32Array(from.length);
  const at = sizes.map(() => 0);
  let source = 0;
  for (let i = 0; i < data.length; i++) {
    data[i] = from[source];
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      source += steps[axis];
      if (++at[axis] < sizes[axis]) break;
      source -= steps[axis] * sizes[axis];
      at[axis] = 0;
    }
  }
  return data;
}

/** As many numbers under another shape. */
export function reshaped({ floats }: Numbers, shape: readonly number[]): Numbers {
  return { shape, floats };
}

export function mapped({ shape, floats }: Numbers, f: (x: number, i: number) => number): Numbers {
  return { shape, floats: async () => (await floats()).map(f) };
}

/** One number, as often as `shape` wants it. */
export function filled(shape: readonly number[], value: number): Numbers {
  return { shape, floats: async () => new Float32Array(sizeOf(shape)).fill(value) };
}

import { OnebitError } from "onebit";
import type { Tensor } from "onebit/graph";
import type { Layout } from "./layout.js";

/** Tensors to one flat array, in the layout's order. */
export function flatten(layout: Layout, tensors: { readonly [key: string]: Tensor }): Float32Array {
  const flat = new Float32Array(layout.length);
  for (const { key, shape, start, end } of layout.segments) {
    const tensor = tensors[key];
    if (!tensor) throw new OnebitError(`${key}: no value given, shape [${shape}] wanted`);
    if (tensor.data.length !== end - start) {
      throw new OnebitError(`${key}: shape [${shape}] wanted, [${tensor.shape}] given`);
    }
    flat.set(tensor.data, start);
  }
  return flat;
}

/** The tensors of a flat array, as views. */
export function unflatten(layout: Layout, flat: Float32Array): { [key: string]: Tensor } {
  return Object.fromEntries(
    layout.segments.map(({ key, shape, start, end }) => [
      key,
      { shape, data: flat.subarray(start, end) },
    ]),
  );
}

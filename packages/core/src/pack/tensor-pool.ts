import type { ProgramTensor, TensorKey } from "../program/types.js";

/** Collects a program's tensors; equal per-channel vectors are kept once. */
export class TensorPool {
  readonly tensors: { [key: TensorKey]: ProgramTensor } = {};
  readonly #vectors = new Map<string, TensorKey>();

  /** A per-channel vector, rounded to float32. */
  vector(name: string, values: Float64Array | Float32Array): TensorKey {
    const data = Float32Array.from(values);
    const content = data.join();
    const known = this.#vectors.get(content);
    if (known) return known;
    const key = this.add(name, { type: "float32", shape: [data.length], data });
    this.#vectors.set(content, key);
    return key;
  }

  /** Adds a tensor under that name, or, where it is taken, under one like it. */
  add(name: string, tensor: ProgramTensor): TensorKey {
    let key = name;
    for (let i = 1; Object.hasOwn(this.tensors, key); i++) key = `${name}.${i}`;
    this.tensors[key] = tensor;
    return key;
  }
}

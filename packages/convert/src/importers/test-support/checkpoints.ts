import { storedFloat32, writeSafetensors } from "onebit/file";
import type { Tensor } from "onebit/graph";
import { buildModel, type ModelOptions } from "onebit/models";
import { randomWeights } from "../../../../core/src/test-support/random-weights.js";
import { type AsyncBuffer, memoryBuffer } from "../../readers/async-buffer.js";

export type Tensors = { [key: string]: Tensor };

/** Weights as a checkpoint of that network would hold them. */
export function weightsOf(name: string, options: Partial<ModelOptions>): Tensors {
  return randomWeights(buildModel(name, options), 11);
}

/** A file of those tensors; `edit` may rename, drop, add and change some first. */
export function checkpointOf(tensors: Tensors, edit?: (tensors: Tensors) => void): AsyncBuffer {
  const edited = { ...tensors };
  edit?.(edited);
  const stored = Object.entries(edited).map(([key, { shape, data }]) => [
    key,
    storedFloat32(shape, data),
  ]);
  const bytes = writeSafetensors({ metadata: {}, tensors: Object.fromEntries(stored) });
  return memoryBuffer(bytes, "some/folder/net.pth");
}

/** Changes some elements of one tensor. */
export function poke(tensors: Tensors, key: string, ...values: readonly number[]): void {
  const { shape, data } = tensors[key];
  tensors[key] = { shape, data: data.map((value, i) => values[i] ?? value) };
}

export function rename(tensors: Tensors, from: RegExp, to: string): void {
  for (const [key, tensor] of Object.entries(tensors)) {
    if (!from.test(key)) continue;
    delete tensors[key];
    tensors[key.replace(from, to)] = tensor;
  }
}

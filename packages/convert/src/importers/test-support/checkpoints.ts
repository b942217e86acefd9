import { storedFloat32, writeSafetensors } from "onebit/file";
import type { Tensor } from "onebit/graph";
import { buildModel, type ModelOptions } from "onebit/models";
import { randomWeights } from "../../../../core/src/test-support/random-weights.js";
import { type AsyncBuffer, memoryBuffer } from "../../readers/async-buffer.js";
import type { Part } from "../../readers/test-support/bytes.js";
import {
  dict,
  integer,
  list,
  pickle,
  storage,
  tensor,
  text,
} from "../../readers/test-support/pickles.js";
import { torchZip } from "../../readers/test-support/zips.js";

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

/** What torch.save could be given: dicts in dicts, around tensors, whole numbers and lists of these. */
export interface Saved {
  readonly [key: string]: Tensor | number | readonly number[] | Saved;
}

/** A torch.save file of dicts in dicts; `more` are further items of the outermost, as pickled. */
export function torchFile(
  saved: Saved,
  more: readonly (readonly [Part, Part])[] = [],
  storages: { [key: string]: Uint8Array } = {},
): AsyncBuffer {
  const part = (value: Saved[string]): Part => {
    if (typeof value === "number") return integer(value);
    if (isList(value)) return list(...value.map(integer));
    if (!isTensor(value)) return dict(...entries(value));
    const { shape, data } = value;
    const key = String(Object.keys(storages).length);
    storages[key] = new Uint8Array(Float32Array.from(data).buffer);
    const over = storage({ key: text(key), count: data.length });
    const strides = shape.map((_, i) => shape.slice(i + 1).reduce((size, dim) => size * dim, 1));
    return tensor({ storage: over, shape, strides });
  };
  const entries = (of: Saved) =>
    Object.entries(of).map(([key, value]) => [text(key), part(value)] as const);
  const root = dict(...entries(saved), ...more);
  return memoryBuffer(torchZip(pickle(root), storages), "some/folder/net.pth");
}

const isList = (value: Saved[string]): value is readonly number[] => Array.isArray(value);

function isTensor(value: Tensor | Saved): value is Tensor {
  return Array.isArray(value.shape);
}

/** Every key after `prefix`. */
export function under(prefix: string, tensors: Tensors): Tensors {
  return Object.fromEntries(Object.entries(tensors).map(([key, value]) => [prefix + key, value]));
}

import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { OnebitError } from "onebit";
import { float32Values, wrongFile } from "onebit/file";
import type { Tensor } from "onebit/graph";
import { decodeFloatModel, type FloatModel } from "onebit/models";
import { isNetworkKey, readWhole } from "./checkpoint.js";

export type Tensors = { readonly [key: string]: Tensor };

/** A float model with all that belongs to it: from its file, or from a run, whose best it is. */
export async function loadFloatModel(path: string): Promise<FloatModel> {
  const file = await weightsFile(path);
  const bytes = await readFile(file);
  const wrong = wrongFile(bytes, { name: file, wanted: "float" });
  if (wrong) throw wrong;
  try {
    return decodeFloatModel(bytes);
  } catch (error) {
    if (error instanceof OnebitError) throw new OnebitError(`${file}: ${error.message}`);
    throw error;
  }
}

/**
 * Only the tensors, of any safetensors file: a float model, a checkpoint of a training, weights from
 * elsewhere; or of a run, whose best model is taken.
 */
export async function loadTensors(path: string): Promise<Tensors> {
  const { tensors } = await readWhole(await weightsFile(path));
  return Object.fromEntries(
    Object.entries(tensors)
      .filter(([key]) => isNetworkKey(key))
      .map(([key, stored]) => [key, { shape: stored.shape, data: float32Values(key, stored) }]),
  );
}

async function weightsFile(path: string): Promise<string> {
  const info = await stat(path).catch(() => undefined);
  if (!info) throw new OnebitError(`${path}: there is no such file or run`);
  return info.isDirectory() ? join(path, "best", "model.safetensors") : path;
}

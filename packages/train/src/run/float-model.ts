import { stat } from "node:fs/promises";
import { join } from "node:path";
import { OnebitError } from "onebit";
import { float32Values, storedFloat32, writeSafetensors } from "onebit/file";
import type { Tensor } from "onebit/graph";
import { encodeFloatModel, type FloatModel } from "onebit/models";
import { isNetworkKey, readWhole } from "./checkpoint.js";
import { writeWhole } from "./files.js";
import type { ModelRecord } from "./network.js";

export type Tensors = { readonly [key: string]: Tensor };

export interface TrainedModel extends Omit<FloatModel, "architecture"> {
  readonly model: ModelRecord;
}

/**
 * Writes a float model. For a named architecture it is one that decodeFloatModel reads; for a graph
 * of one's own the file holds the tensors, and run.json the graph.
 */
export async function saveFloatModel(path: string, trained: TrainedModel): Promise<void> {
  const { model, ...rest } = trained;
  if (!("graph" in model)) {
    return writeWhole(path, encodeFloatModel({ ...rest, architecture: model }));
  }
  const stored = Object.entries(rest.tensors).map(([key, { shape, data }]) => [
    key,
    storedFloat32(shape, data),
  ]);
  const metadata = { "onebit-graph": model.graph.name };
  await writeWhole(path, writeSafetensors({ metadata, tensors: Object.fromEntries(stored) }));
}

/**
 * Tensors of a network from a safetensors file, a checkpoint of a training, or the folder of a run,
 * which stands for its best model.
 */
export async function loadWeights(path: string): Promise<Tensors> {
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

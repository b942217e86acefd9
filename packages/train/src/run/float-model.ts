import { stat } from "node:fs/promises";
import { join } from "node:path";
import { OnebitError } from "onebit";
import { float32Values, type StoredTensor, storedFloat32, writeSafetensors } from "onebit/file";
import type { Tensor } from "onebit/graph";
import type { Preprocess } from "onebit/image";
import { isNetworkKey, readWhole } from "./checkpoint.js";
import { writeWhole } from "./files.js";
import type { ModelRecord } from "./network.js";

/** What makes a file of tensors a model: how to build its network and how to feed it. */
export interface ModelCard {
  readonly model: ModelRecord;
  readonly preprocess: Preprocess;
  readonly labels: readonly string[];
  /** Where the weights come from: recipe, epoch, accuracy, seed, data. */
  readonly training?: { readonly [name: string]: unknown };
}

export type Tensors = { readonly [key: string]: Tensor };

/** Name of the metadata entry of a .safetensors file that holds the card, as JSON. */
const CARD = "onebit-model";

/** Writes a float model: a safetensors file whose metadata hold the card. */
export async function saveFloatModel(
  path: string,
  tensors: Tensors,
  card: ModelCard,
): Promise<void> {
  const stored = Object.entries(tensors).map(([key, { shape, data }]): [string, StoredTensor] => [
    key,
    storedFloat32(shape, data),
  ]);
  const metadata = { format: "pt", [CARD]: JSON.stringify(card) };
  await writeWhole(path, writeSafetensors({ metadata, tensors: Object.fromEntries(stored) }));
}

/** Reads the tensors of a safetensors file, with the card where there is one. */
export async function loadFloatModel(
  path: string,
): Promise<{ tensors: Tensors; card?: ModelCard }> {
  const file = await weightsFile(path);
  const { metadata, tensors } = await readWhole(file);
  const entries = Object.entries(tensors)
    .filter(([key]) => isNetworkKey(key))
    .map(([key, stored]) => [key, { shape: stored.shape, data: float32Values(key, stored) }]);
  const card = metadata[CARD] === undefined ? undefined : parseCard(file, metadata[CARD]);
  return { tensors: Object.fromEntries(entries), card };
}

/** A run stands for its best model. */
async function weightsFile(path: string): Promise<string> {
  const info = await stat(path).catch(() => undefined);
  if (!info) throw new OnebitError(`${path}: there is no such file or run`);
  return info.isDirectory() ? join(path, "best", "model.safetensors") : path;
}

function parseCard(path: string, text: string): ModelCard {
  try {
    return JSON.parse(text) as ModelCard;
  } catch {
    throw new OnebitError(`${path}: the metadata entry "${CARD}" is not JSON: the file is damaged`);
  }
}

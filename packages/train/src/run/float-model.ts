import { readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { OnebitError } from "onebit";
import { float32Values, unknownFile, wrongFile } from "onebit/file";
import type { Tensor } from "onebit/graph";
import {
  decodeFloatModel,
  FLOAT_MODEL_ENTRY,
  type FloatModel,
  parseFloatModelEntry,
} from "onebit/models";
import { isNetworkKey, readWhole } from "./checkpoint.js";
import type { Start } from "./init-from.js";
import type { NamedModel } from "./network.js";
import type { RunRecord } from "./run-folder.js";

/** Tensors by key. */
export type Tensors = { readonly [key: string]: Tensor };

/** A float model with all that belongs to it: from its file, or from a run, whose best it is. */
export async function loadFloatModel(path: string): Promise<FloatModel> {
  const file = await weightsFile(path);
  const bytes = await readFile(file);
  const wanted = { name: file, wanted: "float" } as const;
  const wrong = wrongFile(bytes, wanted) ?? unknownFile(bytes, wanted);
  if (wrong) throw wrong;
  try {
    return decodeFloatModel(bytes);
  } catch (error) {
    if (error instanceof OnebitError) throw new OnebitError(`${file}: ${error.message}`);
    throw error;
  }
}

/**
 * What a training may start from: the tensors of any safetensors file or run, and the names of the
 * classes where it, or the run that it is the checkpoint of, says them.
 */
export async function loadStart(path: string): Promise<Start> {
  const file = await weightsFile(path);
  const { metadata } = await readWhole(file);
  const labels = storedLabels(metadata[FLOAT_MODEL_ENTRY]) ?? (await runLabels(file));
  return { tensors: await loadTensors(path), labels, source: path };
}

/**
 * The architecture that a float model or a run says it is of, with its switches and the size of its input; undefined
 * for a graph of one's own, and for weights that say nothing.
 */
export async function architectureOf(path: string): Promise<NamedModel | undefined> {
  const { metadata } = await readWhole(await weightsFile(path));
  const text = metadata[FLOAT_MODEL_ENTRY];
  if (text === undefined) return undefined;
  const { architecture } = parseFloatModelEntry(text);
  if ("graph" in architecture) return undefined;
  const { classes: _, form: __, ...switches } = architecture.options;
  return { name: architecture.name, ...switches };
}

function storedLabels(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  try {
    return stringList((JSON.parse(text) as { labels?: unknown }).labels);
  } catch {
    return undefined;
  }
}

/** OUT/checkpoint/state.safetensors lies two below OUT/run.json. */
async function runLabels(file: string): Promise<string[] | undefined> {
  const record = join(dirname(dirname(resolve(file))), "run.json");
  try {
    return stringList((JSON.parse(await readFile(record, "utf8")) as RunRecord).data.classes);
  } catch {
    return undefined;
  }
}

function stringList(value: unknown): string[] | undefined {
  const isList = Array.isArray(value) && value.every((item) => typeof item === "string");
  return isList ? value : undefined;
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

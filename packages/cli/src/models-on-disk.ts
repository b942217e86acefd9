import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { OnebitError, UsageError } from "onebit";
import type { Graph } from "onebit/graph";
import { decodeFloatModel, type FloatModel, floatModelGraph } from "onebit/models";

/** Whether an argument names a file rather than an architecture. */
export function isFile(subject: string): boolean {
  return /[/\\]|\.(onebit|safetensors|onnx)$/.test(subject) || existsSync(subject);
}

export function isPacked(path: string): boolean {
  return path.endsWith(".onebit");
}

/** A float model: a .safetensors file, or a run folder, whose best weights are taken. */
export async function openFloatModel(path: string): Promise<FloatModel> {
  if (!existsSync(path)) throw new UsageError(`${path}: no such file or folder`);
  const file = statSync(path).isDirectory() ? bestOf(path) : path;
  try {
    return decodeFloatModel(await readFile(file));
  } catch (error) {
    if (error instanceof OnebitError) throw new OnebitError(`${file}: ${error.message}`);
    throw error;
  }
}

export async function openFloatGraph(path: string, batch: number): Promise<Graph> {
  return floatModelGraph(await openFloatModel(path), batch);
}

function bestOf(run: string): string {
  const best = join(run, "best", "model.safetensors");
  if (existsSync(best)) return best;
  throw new OnebitError(
    `${run}: no best/model.safetensors in it: not a run folder, or its weights were never binary at the end of an epoch`,
  );
}

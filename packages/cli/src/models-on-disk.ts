import { existsSync } from "node:fs";
import { loadFloatModel } from "@onebit/train";
import type { Graph } from "onebit/graph";
import { type FloatModel, floatModelGraph } from "onebit/models";

/** Whether an argument names a file rather than an architecture. */
export function isFile(subject: string): boolean {
  return /[/\\]|\.(onebit|safetensors|onnx)$/.test(subject) || existsSync(subject);
}

export function isPacked(path: string): boolean {
  return path.endsWith(".onebit");
}

/** A float model: a .safetensors file, or a run folder, whose best weights are taken. */
export function openFloatModel(path: string): Promise<FloatModel> {
  return loadFloatModel(path);
}

export async function openFloatGraph(path: string, batch: number): Promise<Graph> {
  return floatModelGraph(await openFloatModel(path), batch);
}

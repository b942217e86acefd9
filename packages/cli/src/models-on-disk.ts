import { existsSync } from "node:fs";
import { basename } from "node:path";
import { openFloatModel, openPacked } from "@onebit/train/subjects";
import { OnebitError } from "onebit";
import type { Graph } from "onebit/graph";
import { type FloatModel, floatModelGraph, models } from "onebit/models";
import { unpack } from "onebit/pack";
import type { Program } from "onebit/program";

/** Whether an argument names a file or a run rather than an architecture. */
export function isFile(subject: string): boolean {
  if (Object.hasOwn(models, subject)) return false;
  return /[/\\]|\.[a-z]\w*$/i.test(subject) || existsSync(subject);
}

export async function openFloatGraph(path: string, batch: number): Promise<Graph> {
  return floatModelGraph(await openFloatModel(path), batch);
}

/**
 * The float equivalent of a packed network: 1-bit weights are exactly -1 and +1, batch-norms scales
 * and shifts. Its card says so.
 */
export async function openUnpacked(path: string): Promise<FloatModel> {
  const { program, tensors, preprocess, labels, card } = await openPacked(path);
  if (!preprocess) {
    throw new OnebitError(
      `${path}: does not say how images are prepared, which a float model must: pack it again from a model that does`,
    );
  }
  const { graph, tensors: floats } = unpack(program, tensors, basename(path, ".onebit"));
  return {
    architecture: { graph },
    tensors: floats,
    labels: labels ?? Array.from({ length: classesOf(program) }, (_, i) => String(i)),
    preprocess,
    card: {
      ...card,
      note: `float equivalent of ${basename(path)}: 1-bit weights are exactly -1 and +1, batch-norms are scales and shifts`,
    },
  };
}

function classesOf({ values, outputs }: Program): number {
  return Object.hasOwn(outputs, "logits") ? values[outputs.logits].shape[2] : 0;
}

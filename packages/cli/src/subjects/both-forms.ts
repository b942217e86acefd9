import { basename } from "node:path";
import { initialTensors } from "@onebit/train";
import { modelKind, openFloatModel, openPacked } from "@onebit/train/subjects";
import { writeOnebit } from "onebit/file";
import type { Graph, Tensor } from "onebit/graph";
import { buildModel, floatModelGraph, type ModelOptions } from "onebit/models";
import { pack, unpack } from "onebit/pack";
import { isFile } from "../models-on-disk.js";

/** A network in both forms: packed bytes, and the float graph for the peers. */
export interface BothForms {
  readonly name: string;
  readonly packed: Uint8Array;
  /** For one image. */
  readonly graph: Graph;
  readonly tensors: { readonly [key: string]: Tensor };
}

/** A packed file, a float model, a run, or an architecture with random weights. */
export async function bothForms(
  subject: string,
  options: Partial<ModelOptions>,
): Promise<BothForms> {
  const kind = await kindOf(subject);
  if (kind === "packed") {
    const { bytes, program, tensors } = await openPacked(subject);
    return { name: subject, packed: bytes, ...unpack(program, tensors, basename(subject)) };
  }
  const { graph, tensors } =
    kind === "float" ? await floatSubject(subject) : randomNetwork(subject, options);
  const packed = await writeOnebit(pack(graph, tensors));
  return { name: subject, packed, graph, tensors };
}

export async function kindOf(subject: string): Promise<"packed" | "float" | "architecture"> {
  if (!isFile(subject)) return "architecture";
  return (await modelKind(subject, "unpackable")) as "packed" | "float";
}

async function floatSubject(path: string) {
  const model = await openFloatModel(path);
  return { graph: floatModelGraph(model), tensors: model.tensors };
}

/** An architecture with weights as at the start of a training, but binary already. */
export function randomNetwork(name: string, options: Partial<ModelOptions>) {
  const graph = buildModel(name, options);
  const tensors = { ...initialTensors(graph, 0) };
  for (const [key, { kind, role, shape }] of Object.entries(graph.tensors)) {
    // A temperature of 0: binary weights, as at the end of training.
    if (kind === "mirror") tensors[key] = { shape, data: new Float32Array(1) };
    // Untrained gates saturate near 0: denormal numbers, whose slow arithmetic training avoids.
    if (role === "gate") tensors[key] = { shape, data: tensors[key].data.map((x) => x / 256) };
  }
  return { graph, tensors };
}

import { readFile } from "node:fs/promises";
import { initialTensors, type Latency } from "@onebit/train";
import { load } from "onebit";
import { readOnebit, writeOnebit } from "onebit/file";
import type { Graph, Tensor } from "onebit/graph";
import { buildModel, floatModelGraph, type ModelOptions } from "onebit/models";
import { pack, unpack } from "onebit/pack";
import { isFile, isPacked, openFloatModel } from "../models-on-disk.js";
import { measureLatency } from "./latency.js";
import { onnxRuntimeCompetitor } from "./onnxruntime.js";

export interface BenchResult extends Latency {
  readonly subject: string;
  readonly batch: 1;
}

/** A network in both forms: packed bytes, and the float graph for the peers. */
export interface BenchSubject {
  readonly name: string;
  readonly packed: Uint8Array;
  readonly graph: Graph;
  readonly tensors: { readonly [key: string]: Tensor };
}

/** A packed file, a float model, a run, or an architecture with random weights. */
export async function benchSubject(
  subject: string,
  options: Partial<ModelOptions>,
): Promise<BenchSubject> {
  if (isPacked(subject)) {
    const packed = await readFile(subject);
    const { program, tensors } = await readOnebit(packed);
    return { name: subject, packed, ...unpack(program, tensors) };
  }
  const { graph, tensors } = isFile(subject)
    ? await floatSubject(subject)
    : randomSubject(subject, options);
  const packed = await writeOnebit(pack(graph, tensors));
  return { name: subject, packed, graph, tensors };
}

/** Latency of one image on onebit's backends and on ONNX Runtime, side by side; onebit first. */
export async function benchInference(
  { name, packed, graph, tensors }: BenchSubject,
  threads: number,
): Promise<BenchResult[]> {
  using model = await load(packed, { threads });
  const { channels, height, width } = model.info.input;
  const data = randomImage(channels * height * width);
  const input = { shape: [1, channels, height, width], data };
  const peer = await onnxRuntimeCompetitor(graph, tensors, input, threads);
  try {
    const onebit = { engine: `onebit ${model.backend}`, threads: 1, run: () => model.run(input) };
    const latencies = await measureLatency([onebit, peer]);
    return latencies.map((latency) => ({ subject: name, batch: 1, ...latency }));
  } finally {
    await peer.dispose();
  }
}

async function floatSubject(path: string) {
  const model = await openFloatModel(path);
  return { graph: floatModelGraph(model), tensors: model.tensors };
}

function randomSubject(name: string, options: Partial<ModelOptions>) {
  const graph = buildModel(name, options);
  const tensors = { ...initialTensors(graph, 0) };
  for (const [key, { kind, shape }] of Object.entries(graph.tensors)) {
    // A temperature of 0: binary weights, as at the end of training.
    if (kind === "mirror") tensors[key] = { shape, data: new Float32Array(1) };
  }
  return { graph, tensors };
}

/** Deterministic noise around 0. */
function randomImage(length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin(12.9898 * (i + 1)));
}

import { initialTensors, type Latency } from "@onebit/train";
import { type FloatTensor, load, type Model } from "onebit";
import { summarize } from "onebit/cost";
import { writeOnebit } from "onebit/file";
import type { Graph, Tensor } from "onebit/graph";
import { buildModel, floatModelGraph, type ModelOptions } from "onebit/models";
import { pack, unpack } from "onebit/pack";
import { refuseSwitches } from "../architecture.js";
import { isFile, isPacked, openFloatModel, openPacked } from "../models-on-disk.js";
import { type Competitor, measureLatency } from "./latency.js";
import { onnxRuntimeCompetitor } from "./onnxruntime.js";

/** One row of `onebit bench --json`. */
export interface BenchResult extends Latency {
  readonly subject: string;
  readonly backend: string;
  readonly batch: 1;
  readonly loadMs: number;
  /** Resident memory that loading and the first run added; other work of the process blurs it. */
  readonly peakBytes: number;
  /** The network's multiply-accumulates, of whatever width, per median time: 10^9 per second. */
  readonly convGmacs: number;
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
  if (isFile(subject)) refuseSwitches(subject, options);
  if (isPacked(subject)) {
    const { bytes, program, tensors } = await openPacked(subject);
    return { name: subject, packed: bytes, ...unpack(program, tensors) };
  }
  const { graph, tensors } = isFile(subject)
    ? await floatSubject(subject)
    : randomSubject(subject, options);
  const packed = await writeOnebit(pack(graph, tensors));
  return { name: subject, packed, graph, tensors };
}

/** Latency of one image on onebit and on ONNX Runtime, side by side; onebit first. */
export async function benchInference(
  { name, packed, graph, tensors }: BenchSubject,
  threads: number,
): Promise<BenchResult[]> {
  const start = performance.now();
  const onebitMemory = memoryMeter();
  using model = await load(packed, { threads });
  const input = randomImage(model);
  const onebit = onebitCompetitor(model, input, performance.now() - start);
  const onebitBytes = await onebitMemory(onebit);
  const peerMemory = memoryMeter();
  const peer = await onnxRuntimeCompetitor(graph, tensors, input, threads);
  try {
    const peerBytes = await peerMemory(peer);
    const competitors = [onebit, peer];
    const latencies = await measureLatency(competitors);
    const { macs } = summarize(graph);
    return latencies.map((latency, i) => ({
      subject: name,
      backend: competitors[i].backend,
      batch: 1,
      ...latency,
      loadMs: competitors[i].loadMs,
      peakBytes: [onebitBytes, peerBytes][i],
      convGmacs: macs / latency.medianMs / 1e6,
    }));
  } finally {
    await peer.dispose();
  }
}

function onebitCompetitor(model: Model, input: FloatTensor, loadMs: number): Competitor {
  const { backend } = model;
  return {
    ...{ engine: `onebit ${backend}`, backend, threads: 1, loadMs },
    run: () => model.run(input),
  };
}

/** Growth of resident memory from now until a competitor has run once. */
function memoryMeter(): (competitor: Competitor) => Promise<number> {
  const before = process.memoryUsage.rss();
  return async ({ run }) => {
    await run();
    return Math.max(0, process.memoryUsage.rss() - before);
  };
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
function randomImage({ info }: Model): FloatTensor {
  const { channels, height, width } = info.input;
  const length = channels * height * width;
  const data = Float32Array.from({ length }, (_, i) => Math.sin(12.9898 * (i + 1)));
  return { shape: [1, channels, height, width], data };
}

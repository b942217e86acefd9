import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { loadOnnxRuntime } from "@onebit/convert";
import { cost } from "onebit/cost";
import { type Graph, GraphBuilder, type Shape, sizeOf, typesOf } from "onebit/graph";
import { withTemporaryFolder } from "onebit/node";
import { toOnnx } from "onebit/onnx";
import { rng } from "../data/index.js";
import { createEngine } from "../engine/node.js";
import { compileTraining, trainingGraph } from "../engine/plan.js";
import { resolveRecipe } from "../recipes/index.js";
import { createCpuSession } from "../runtime/node.js";
import { flatten, initialTensors, layoutOf } from "../state/index.js";
import { quantile } from "./quantile.js";

/** How fast a network is trained. */
export interface TrainingSpeed {
  readonly model: string;
  readonly batch: number;
  readonly threads: number;
  /** Whole steps: forward, backward, optimiser. */
  readonly medianMs: number;
  readonly p5Ms: number;
  readonly p95Ms: number;
  readonly imagesPerSecond: number;
  /** Arithmetic of the multiply-accumulates of forward and backward, over the whole step's time. */
  readonly gflops: number;
  /** ONNX Runtime's rate for the network's own 3x3 convolutions, forward, alone, in the same run. */
  readonly convGflops: number;
  readonly fraction: number;
  /** Time of one step by ONNX op, in ms (profiled apart), largest first. */
  readonly byOp: readonly { readonly op: string; readonly ms: number; readonly calls: number }[];
}

export interface TrainingSpeedOptions {
  readonly threads: number;
  readonly steps?: number;
}

/**
 * Images per second of training a network (built for one micro-batch) on random images, and how
 * much of ONNX Runtime's own convolution rate the whole step reaches. Convolutions are timed before
 * and after the steps; the faster time counts.
 */
export async function measureTrainingSpeed(
  network: Graph,
  { threads, steps = 7 }: TrainingSpeedOptions,
): Promise<TrainingSpeed> {
  const graph = compileTraining(network);
  const recipe = resolveRecipe("plain");
  const layout = layoutOf(network, new Set(graph.gradients), recipe.optimiser);
  const { clip, averageDecay, optimiser } = recipe;
  const training = { graph, optimiser, clip, averageDecay };
  const values = flatten(layout, initialTensors(network, 0));
  const core = await createEngine({ layout, training, threads }, values);
  const convolutions = convolutionsOf(network);
  const before = await convolutionRate(convolutions, threads);
  const [batch] = graph.input;
  const scalars = Object.fromEntries(graph.scalars.map((name) => [name, 0.5]));
  const step = async () => {
    const images = randomValues(sizeOf(graph.input));
    const labels = Int32Array.from({ length: batch }, (_, i) => i % graph.classes);
    return timed(() =>
      core.step({ microBatches: [{ images, labels }], learningRate: 1e-4, scalars }),
    );
  };
  const stepTimes: number[] = [];
  try {
    await step();
    for (let i = 0; i < steps; i++) stepTimes.push(await step());
  } finally {
    await core.dispose();
  }
  const convGflops = Math.max(before, await convolutionRate(convolutions, threads));
  const [medianMs, p5Ms, p95Ms] = [0.5, 0.05, 0.95].map((q) => quantile(stepTimes, q));
  const gflops = (2 * cost(trainingGraph(network)).macs) / medianMs / 1e6;
  return {
    ...{ model: network.name, batch, threads, medianMs, p5Ms, p95Ms, gflops, convGflops },
    imagesPerSecond: (1000 * batch) / medianMs,
    fraction: gflops / convGflops,
    byOp: await profile(network, threads),
  };
}

interface Convolution {
  readonly x: Shape;
  readonly w: Shape;
  readonly y: Shape;
  readonly stride: readonly number[];
}

/** The distinct 3x3 convolutions of a network, stem excluded. */
function convolutionsOf(network: Graph): Convolution[] {
  const types = typesOf(network);
  const distinct = new Map<string, Convolution>();
  for (const { name, op, inputs, attrs } of network.nodes) {
    if (op !== "binary-conv" && op !== "conv") continue;
    const [x, w, y] = [...inputs, name].map((value) => types.get(value)!.shape);
    const stride = attrs.stride as readonly number[];
    if (w[2] === 3 && x[1] > 3) distinct.set(`${x};${w};${stride}`, { x, w, y, stride });
  }
  return [...distinct.values()];
}

/**
 * GFLOP/s of ONNX Runtime over these convolutions, each alone: waiting threads of several sessions
 * would take the cores from one another.
 */
async function convolutionRate(
  convolutions: readonly Convolution[],
  threads: number,
): Promise<number> {
  let flops = 0;
  let milliseconds = 0;
  for (const convolution of convolutions) {
    const { y, w } = convolution;
    flops += (2 * sizeOf(y) * sizeOf(w)) / w[0];
    milliseconds += await convolutionTime(convolution, threads);
  }
  return flops / milliseconds / 1e6;
}

async function convolutionTime(
  { x, w, stride }: Convolution,
  threads: number,
  runs = 7,
): Promise<number> {
  const b = new GraphBuilder("conv");
  const inputs = [b.input("x", x), b.input("w", w)];
  b.output("y", b.op("conv", inputs, { stride, padding: [1, 1], groups: 1 }));
  const ort = await loadOnnxRuntime("training");
  const session = await createCpuSession(ort, toOnnx(b.build(), { target: "cpu" }), threads);
  const feed = (shape: Shape) => new ort.Tensor("float32", randomValues(sizeOf(shape)), shape);
  const feeds = { x: feed(x), w: feed(w) };
  await session.run(feeds);
  const times: number[] = [];
  for (let i = 0; i < runs; i++) times.push(await timed(() => session.run(feeds)));
  await session.release();
  return quantile(times, 0.5);
}

/** ONNX Runtime's own profile of a few steps, added up by op. */
async function profile(network: Graph, threads: number): Promise<TrainingSpeed["byOp"]> {
  const runs = 3;
  const { InferenceSession, Tensor } = await loadOnnxRuntime("training");
  return withTemporaryFolder(async (folder) => {
    const session = await InferenceSession.create(compileTraining(network).onnx, {
      graphOptimizationLevel: "basic",
      intraOpNumThreads: threads,
      enableProfiling: true,
      profileFilePrefix: join(folder, "profile"),
    });
    const shapes = new Map(
      [...network.inputs.map(({ name, shape }) => [name, shape] as const)].concat(
        Object.entries(network.tensors).map(([key, { shape }]) => [key, shape] as const),
      ),
    );
    const [batch] = network.inputs[0].shape;
    const classes = typesOf(network).get(network.outputs.logits)!.shape[1];
    const feeds = Object.fromEntries(
      session.inputNames.map((name) => {
        const shape = shapes.get(name) ?? [batch, classes];
        return [name, new Tensor("float32", randomValues(sizeOf(shape)), [...shape])];
      }),
    );
    for (let i = 0; i < runs; i++) await session.run(feeds);
    session.endProfiling();
    await session.release();
    const [file] = await readdir(folder);
    return byOp(JSON.parse(await readFile(join(folder, file), "utf8")), runs);
  });
}

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args?: { readonly op_name?: string };
}

function byOp(events: readonly ProfileEvent[], runs: number): TrainingSpeed["byOp"] {
  const totals = new Map<string, { ms: number; calls: number }>();
  for (const { cat, name, dur, args } of events) {
    if (cat !== "Node" || !name.endsWith("_kernel_time") || !args?.op_name) continue;
    const total = totals.get(args.op_name) ?? { ms: 0, calls: 0 };
    total.ms += dur / 1000 / runs;
    total.calls += 1 / runs;
    totals.set(args.op_name, total);
  }
  return [...totals].map(([op, total]) => ({ op, ...total })).sort((a, b) => b.ms - a.ms);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function randomValues(length: number): Float32Array<ArrayBuffer> {
  const random = rng(0, "bench");
  return Float32Array.from({ length }, () => random.next() - 0.5);
}

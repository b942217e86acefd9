import { cpus } from "node:os";
import {
  type BackendName,
  backendFor,
  type FloatTensor,
  loadModel,
  type Model,
  OnebitError,
} from "onebit";
import { writeOnebit } from "onebit/file";
import type { Packed } from "onebit/pack";
import {
  bareConvolution,
  type ConvShape,
  convMacs,
  outputSize,
  shapeName,
} from "./bare-convolution.js";
import { clockGHz } from "./clock.js";
import { type KernelShape, kernelShapes } from "./kernel-shapes.js";
import {
  type Competitor,
  type LatencyOptions,
  type MeasuredLatency,
  measureLatency,
} from "./latency.js";
import { randomImages } from "./onebit-engine.js";
import type { PeerEngine, Peers } from "./peers/index.js";
import { type Core, type PortLimit, portLimit } from "./port-limit.js";

export interface KernelResult extends MeasuredLatency {
  readonly backend: string;
  /** What ran it, where the backend says. */
  readonly kernel?: string;
  /** 10^9 multiply-adds per second: binary ones on onebit, float32 ones on peers. */
  readonly gmacs: number;
  /** What the ports of the core allow for this form of kernel, and the fraction reached. */
  readonly limit?: PortLimit;
  readonly limitShare?: number;
}

export interface KernelRow {
  /** "3x3 256 to 256, 14x14". */
  readonly shape: string;
  /** Networks that have it. */
  readonly networks: readonly string[];
  readonly macs: number;
  /** onebit first. */
  readonly results: readonly KernelResult[];
}

export interface BenchKernels {
  readonly threads: number;
  /** Of the core while it measured. */
  readonly clockGHz: number;
  readonly rows: readonly KernelRow[];
}

export interface KernelBenchOptions {
  readonly backends: readonly (BackendName | "auto")[];
  /** The first one counts. */
  readonly threads: readonly number[];
  readonly peers: Peers;
  readonly shapes?: readonly KernelShape[];
  readonly limits?: LatencyOptions;
  readonly note?: (text: string) => void;
}

/** Enough for a median that holds; the many shapes take half a minute together. */
const quickly: LatencyOptions = { warmupMs: 60, minRounds: 7, maxRounds: 40, budgetMs: 600 };

/** Rate of every shape on each backend, and of the float convolution of that shape on each peer. */
export async function benchKernels(options: KernelBenchOptions): Promise<BenchKernels> {
  const { shapes = await kernelShapes(), peers, note } = options;
  const [threads] = options.threads;
  const core = coreNow();
  note?.(`measuring ${shapes.length} kernels`);
  const engines: PeerEngine[] = [];
  try {
    for (const start of peers.engines) engines.push(await start(threads));
    const rows: KernelRow[] = [];
    for (const shape of shapes) {
      const results = await measureShape(shape, engines, { ...options, threads });
      const macs = convMacs(shape);
      const rated = results.map((result) => rate(result, macs, core));
      rows.push({ shape: shapeName(shape), networks: shape.networks, macs, results: rated });
    }
    return { threads, clockGHz: core.clockGHz, rows };
  } finally {
    for (const engine of engines) await engine.dispose();
  }
}

interface KernelEntry extends Competitor {
  readonly backend: string;
  readonly own: boolean;
  kernel?(): string | undefined;
}

/** Each of several convolutions alone on one backend. */
export async function kernelResults(
  shapes: readonly ConvShape[],
  backend: BackendName | "auto",
  threads: number,
  limits?: LatencyOptions,
): Promise<KernelResult[]> {
  const core = coreNow();
  const results: KernelResult[] = [];
  for (const shape of shapes) {
    const [measured] = await measureShape(shape, [], { backends: [backend], threads, limits });
    results.push(rate(measured, convMacs(shape), core));
  }
  return results;
}

function coreNow(): Core {
  return { cpu: cpus()[0]?.model ?? "", clockGHz: clockGHz() };
}

type Measured = MeasuredLatency & Pick<KernelResult, "backend" | "kernel"> & { own: boolean };

interface ShapeOptions {
  readonly backends: readonly (BackendName | "auto")[];
  readonly threads: number;
  readonly limits?: LatencyOptions;
}

async function measureShape(
  shape: ConvShape,
  engines: readonly PeerEngine[],
  { backends, threads, limits = quickly }: ShapeOptions,
): Promise<Measured[]> {
  const packed = await writeOnebit(kernelProgram(shape));
  const models: Model[] = [];
  try {
    const entries: KernelEntry[] = [];
    for (const backend of backends) {
      const model = await loadModel(packed, { backend, threads });
      models.push(model);
      await model.ready();
      const { fast } = await backendFor(model.backend as BackendName);
      const images = fast ? imagesPerRun(convMacs(shape)) : 1;
      entries.push(kernelEntry(model, threads, images));
    }
    const convolution = bareConvolution(shape);
    for (const { engine, backend, open } of engines) {
      const { run } = await open(convolution, 1);
      entries.push({ engine, backend, threads, own: false, run });
    }
    const measured = await measureLatency(entries, limits);
    return measured.map((latency, i) => {
      const { backend, own, kernel } = entries[i];
      return { ...latency, backend, own, kernel: kernel?.() };
    });
  } finally {
    for (const model of models) model.dispose();
  }
}

/** Times of the convolution's step alone, as the backend's profile gives them. */
function kernelEntry(model: Model, threads: number, images: number): KernelEntry {
  const { backend } = model;
  const input: FloatTensor = randomImages(model, images);
  const step = () => {
    const profile = model.profile();
    if (profile) return profile[profile.length - 1];
    throw new OnebitError(
      `--backend ${backend}: it does not say how long steps take; --kernels needs that`,
    );
  };
  return {
    ...{ engine: `onebit ${backend}`, backend, threads, own: true },
    run: async () => {
      await model.run(input);
      return step().milliseconds / images;
    },
    kernel: () => step().kernel,
  };
}

/** So many that a run takes some milliseconds, which a clock can tell apart. */
function imagesPerRun(macs: number): number {
  return Math.max(1, Math.min(32, Math.round(4e8 / macs)));
}

/** Signs of the input, then the convolution alone: accumulators stored as they are. */
export function kernelProgram(shape: ConvShape): Packed {
  const { inputs, outputs, size, kernel, stride, padding, groups } = shape;
  const [height, width] = size;
  const rowBytes = Math.ceil((kernel[0] * kernel[1] * inputs) / groups / 8);
  const weight = Uint8Array.from({ length: outputs * rowBytes }, (_, i) => (i * 7919) >> 5);
  const window = { out: outputs, kernel, stride, padding, groups };
  return {
    program: {
      values: [
        { name: "x", kind: "map", shape: [height, width, inputs] },
        { name: "signs", kind: "bits", shape: [height, width, inputs] },
        { name: "y", kind: "map", shape: [...outputSize(shape), outputs] },
      ],
      input: 0,
      steps: [
        { kind: "pointwise", covers: [], input: 0, epilogue: [["bits", 0, "zero", 1, 0, -1]] },
        {
          ...{ kind: "binary-conv", weight: "w", padValue: 0, ...window },
          ...{ covers: [], input: 1, epilogue: [["store", 0, 2, 0]] },
        },
      ],
      outputs: { accumulators: 2 },
    },
    tensors: {
      zero: { type: "float32", shape: [inputs], data: new Float32Array(inputs) },
      w: {
        type: "bits",
        shape: [outputs, rowBytes],
        data: withoutPadding(weight, shape, rowBytes),
      },
    },
  };
}

/** Bits after the last weight of a row are 0, as the file format wants. */
function withoutPadding(weight: Uint8Array, shape: ConvShape, rowBytes: number): Uint8Array {
  const { kernel, inputs, groups } = shape;
  const used = ((kernel[0] * kernel[1] * inputs) / groups) % 8;
  if (used === 0) return weight;
  return weight.map((byte, i) => ((i + 1) % rowBytes ? byte : byte & ((1 << used) - 1)));
}

function rate({ own, ...result }: Measured, macs: number, core: Core): KernelResult {
  const gmacs = macs / result.medianMs / 1e6;
  if (!own || result.threads > 1) return { ...result, gmacs };
  const limit = portLimit(result.backend, result.kernel, core);
  return limit
    ? { ...result, gmacs, limit, limitShare: gmacs / limit.gmacs }
    : { ...result, gmacs };
}

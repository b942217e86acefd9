import { type Graph, sizeOf } from "onebit/graph";
import { rng } from "../data/index.js";
import { quantile } from "./quantile.js";

/** Of the rounds. */
export interface StepCost {
  readonly medianMs: number;
  /** How many times a plain step of the same round. */
  readonly ratio: { readonly median: number; readonly p25: number; readonly p75: number };
  /** The same of the processor time of all threads, which what else runs here hardly changes. */
  readonly cpuRatio: { readonly median: number; readonly p25: number; readonly p75: number };
}

/** Of one step: milliseconds, and microseconds of processor time of all threads. */
export interface StepTime {
  readonly ms: number;
  readonly cpu: number;
}

/** Steps of some kind, and the plain ones of the same rounds. */
export function stepCost(times: readonly StepTime[], plain: readonly StepTime[]): StepCost {
  return {
    medianMs: quantile(
      times.map(({ ms }) => ms),
      0.5,
    ),
    ratio: ratios(times.map(({ ms }, i) => ms / plain[i].ms)),
    cpuRatio: ratios(times.map(({ cpu }, i) => cpu / plain[i].cpu)),
  };
}

export async function timed(work: () => Promise<unknown>): Promise<StepTime> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  await work();
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  return { ms, cpu: user + system };
}

function ratios(values: readonly number[]): StepCost["ratio"] {
  const [median, p25, p75] = [0.5, 0.25, 0.75].map((q) => quantile(values, q));
  return { median, p25, p75 };
}

/** Pixels, normalised. */
export function randomImages(network: Graph): Float32Array<ArrayBuffer> {
  const random = rng(0, "bench");
  const { shape } = network.inputs.find(({ name }) => name === "x")!;
  return Float32Array.from(
    { length: sizeOf(shape) },
    () => (random.integer(256) / 255 - 0.5) / 0.25,
  );
}

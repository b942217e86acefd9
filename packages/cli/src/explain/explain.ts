import { loadPacked } from "@onebit/train/subjects";
import { type BackendName, type Budget, backendFor, type MapType, type StepProfile } from "onebit";
import { readOnebit } from "onebit/file";
import type { Program } from "onebit/program";
import { shapeName } from "../bench/bare-convolution.js";
import { binaryShape } from "../bench/kernel-shapes.js";
import { type KernelResult, kernelResults } from "../bench/kernels.js";
import type { LatencyOptions } from "../bench/latency.js";
import { randomImages } from "../bench/onebit-engine.js";
import type { PortLimit } from "../bench/port-limit.js";
import { type ProfileOptions, profileRuns, stepTotal } from "./measure.js";
import { type Part, partsOf } from "./parts.js";
import { describeStep, type StepDescription } from "./steps.js";

/** A step of a network with what it took. */
export interface ExplainedStep extends StepDescription, Omit<StepProfile, "weightBytes"> {
  readonly index: number;
  /** Of the whole run. */
  readonly share: number;
  /** 10^9 multiply-adds per second, where there are any. */
  readonly gmacs?: number;
  /** Of a binary convolution: what it takes without the float work that follows in the step. */
  readonly binaryAloneMs?: number;
  /** What the ports of the core allow its kernel, on one thread, where that is known. */
  readonly limit?: PortLimit;
}

export interface Explanation {
  readonly subject: string;
  readonly backend: string;
  /** Why faster backends were passed over, by name. */
  readonly backendReasons: { readonly [backend: string]: string };
  readonly threads: number;
  /** How maps are kept between steps. */
  readonly maps: MapType;
  readonly runs: number;
  /** Of one image by the caller's clock. */
  readonly wallMs: number;
  /** Sum of the steps. */
  readonly stepsMs: number;
  /** Fraction of the wall time that the steps account for. */
  readonly covered: number;
  /** Fraction of the wall time that is not binary convolutions, these measured alone. */
  readonly nonBinaryShare?: number;
  readonly steps: readonly ExplainedStep[];
  /** The whole run, by causes: shares add up to 1. */
  readonly parts: readonly Part[];
}

export interface ExplainOptions {
  readonly backend: BackendName | "auto";
  readonly threads: number;
  /** Default: as the file says. */
  readonly maps?: MapType;
  readonly budget?: Budget;
  readonly profile?: ProfileOptions;
  /** Of the convolutions measured alone. */
  readonly limits?: LatencyOptions;
}

/** Where the time of a packed network goes, one image per run. */
export async function explain(
  subject: string,
  packed: Uint8Array,
  { backend, threads, maps, budget, profile, limits }: ExplainOptions,
): Promise<Explanation> {
  const stored = (await readOnebit(packed)).program;
  const options = { backend, threads, maps, budget };
  using model = (await loadPacked(subject, packed, stored, options)).model;
  await model.ready();
  const runs = await profileRuns(model, randomImages(model, 1), profile);
  const chosen = model.backend as BackendName;
  const { program } = model;
  const alone = await binaryAlone(program, chosen, threads, limits);
  const { wallMs, covered } = runs;
  const stepsMs = stepTotal(runs.steps);
  // The whole run that these medians of steps belong to.
  const totalMs = stepsMs / covered;
  const steps = runs.steps.map((step, index): ExplainedStep => {
    const { weightBytes: _, ...measured } = step;
    const macs = step.macs + step.binaryMacs;
    return {
      ...{
        index,
        ...describeStep(program, index),
        ...measured,
        share: step.milliseconds / totalMs,
      },
      gmacs: macs ? macs / step.milliseconds / 1e6 : undefined,
      binaryAloneMs: alone.get(index)?.medianMs,
      limit: alone.get(index)?.limit,
    };
  });
  return {
    ...{ subject, backend: chosen, backendReasons: model.backendReasons, threads },
    maps: model.info.maps,
    ...{ runs: runs.runs, wallMs, stepsMs, covered },
    nonBinaryShare: alone.size ? 1 - binaryTotal(steps) / totalMs : undefined,
    steps,
    parts: partsOf(steps, totalMs),
  };
}

function binaryTotal(steps: readonly ExplainedStep[]): number {
  return steps.reduce((sum, { binaryAloneMs = 0, milliseconds }) => {
    return sum + Math.min(binaryAloneMs, milliseconds);
  }, 0);
}

/** Each binary convolution alone, by step; none on a backend that is slow. */
async function binaryAlone(
  program: Program,
  backend: BackendName,
  threads: number,
  limits?: LatencyOptions,
): Promise<Map<number, KernelResult>> {
  const alone = new Map<number, KernelResult>();
  if (!(await backendFor(backend)).fast) return alone;
  const shapes = program.steps.map((step) => binaryShape(program, step));
  const distinct = new Map(shapes.flatMap((shape) => (shape ? [[shapeName(shape), shape]] : [])));
  const measured = await kernelResults([...distinct.values()], backend, threads, limits);
  const byName = new Map([...distinct.keys()].map((name, i) => [name, measured[i]]));
  for (const [index, shape] of shapes.entries()) {
    if (shape) alone.set(index, byName.get(shapeName(shape))!);
  }
  return alone;
}

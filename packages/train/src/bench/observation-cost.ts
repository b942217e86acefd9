import type { Graph } from "onebit/graph";
import { compileTraining } from "../engine/plan.js";
import { startEngine } from "../engine/start.js";
import type { Engine } from "../engine/types.js";
import { resolveRecipe } from "../recipes/index.js";
import { flatten, initialTensors, layoutOf } from "../state/index.js";
import { compileWatching, type WatchPlan } from "../watch/index.js";
import { randomImages, type StepCost, type StepTime, stepCost, timed } from "./step-cost.js";

/** What it costs a training to be watched. */
export interface ObservationCost {
  readonly model: string;
  readonly batch: number;
  readonly threads: number;
  readonly rounds: number;
  /** Every how many steps a layer is looked at. */
  readonly every: number;
  /** Steps of an engine that cannot observe. */
  readonly plain: StepCost;
  /** Steps that one takes which could, and does not. */
  readonly unobserved: StepCost;
  /** Steps that are observed. */
  readonly observed: StepCost;
  /** What is added to the mean step, as a share of a plain one: (observed / plain - 1) / every. */
  readonly share: StepCost["ratio"];
  /** The same of processor time. */
  readonly cpuShare: StepCost["ratio"];
}

export interface ObservationCostOptions {
  readonly threads: number;
  readonly every: number;
  /** Default 21. */
  readonly rounds?: number;
}

const KINDS = ["plain", "unobserved", "observed"] as const;
type Kind = (typeof KINDS)[number];

/** Steps of a network (built for one micro-batch) on random images in turns: plain, unobserved, observed. */
export async function measureObservation(
  network: Graph,
  { threads, every, rounds = 21 }: ObservationCostOptions,
): Promise<ObservationCost> {
  const engines: Engine[] = [];
  const times: { [kind in Kind]: StepTime[] } = { plain: [], unobserved: [], observed: [] };
  try {
    const plain = await engineFor(network, threads);
    engines.push(plain);
    const watching = await engineFor(network, threads, compileWatching(network));
    engines.push(watching);
    for (let round = -1; round < rounds; round++) {
      for (const kind of turned(KINDS, round)) {
        const engine = kind === "plain" ? plain : watching;
        const time = await timed(() => step(engine, network, kind === "observed"));
        if (round >= 0) times[kind].push(time);
      }
    }
  } finally {
    for (const engine of engines) await engine.dispose();
  }
  const [batch] = network.inputs.find(({ name }) => name === "x")!.shape;
  const observed = stepCost(times.observed, times.plain);
  const added = ({ median, p25, p75 }: StepCost["ratio"]) => ({
    median: (median - 1) / every,
    p25: (p25 - 1) / every,
    p75: (p75 - 1) / every,
  });
  return {
    ...{ model: network.name, batch, threads, rounds, every },
    plain: stepCost(times.plain, times.plain),
    unobserved: stepCost(times.unobserved, times.plain),
    observed,
    share: added(observed.ratio),
    cpuShare: added(observed.cpuRatio),
  };
}

/** None is always behind the same other. */
function turned<T>(items: readonly T[], by: number): T[] {
  const from = ((by % items.length) + items.length) % items.length;
  return [...items.slice(from), ...items.slice(0, from)];
}

function step(engine: Engine, network: Graph, observe: boolean): Promise<unknown> {
  const images = randomImages(network);
  const [batch] = network.inputs.find(({ name }) => name === "x")!.shape;
  const labels = new Int32Array(batch);
  const microBatches = [{ images, labels }];
  return engine.step({ microBatches, learningRate: 1e-4, scalars: { temperature: 0.5 }, observe });
}

async function engineFor(network: Graph, threads: number, watch?: WatchPlan): Promise<Engine> {
  const graph = compileTraining(network);
  const { optimiser, clip, averageDecay } = resolveRecipe("plain");
  const layout = layoutOf(network, new Set(graph.gradients), optimiser);
  const training = { graph, optimiser, clip, averageDecay, watch };
  return startEngine({ layout, training, threads }, flatten(layout, initialTensors(network, 0)));
}

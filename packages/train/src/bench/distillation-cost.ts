import type { Graph } from "onebit/graph";
import type { Preprocess } from "onebit/image";
import { compileTraining } from "../engine/plan.js";
import { startEngine } from "../engine/start.js";
import type { Engine, MicroBatch } from "../engine/types.js";
import { teacherValue } from "../losses/index.js";
import { resolveRecipe } from "../recipes/index.js";
import { flatten, initialTensors, layoutOf } from "../state/index.js";
import { subjectInThread } from "../subjects/in-thread.js";
import { scoresOf } from "../subjects/scores-of.js";
import { teacherImages } from "../teachers/teacher-images.js";
import { randomImages, type StepCost, type StepTime, stepCost, timed } from "./step-cost.js";

/** What a teacher costs a training. */
export interface DistillationCost {
  readonly model: string;
  readonly teacher: string;
  readonly batch: number;
  readonly threads: number;
  readonly rounds: number;
  /** Steps from labels. */
  readonly plain: StepCost;
  /** Steps from what a teacher has said before. */
  readonly kept: StepCost;
  /** Steps while the teacher answers for the next one. */
  readonly asked: StepCost;
}

export interface DistillationCostOptions {
  /** A float model, a run, an ONNX or a packed file that takes images of as many channels. */
  readonly teacher: string;
  readonly threads: number;
  /** Default 15. */
  readonly rounds?: number;
}

/**
 * Steps of a network (built for one micro-batch) on random images in turns: from labels, from kept logits of a
 * teacher, and with a teacher that answers in its thread for the step that comes next.
 */
export async function measureDistillation(
  network: Graph,
  { teacher: path, threads, rounds = 15 }: DistillationCostOptions,
): Promise<DistillationCost> {
  const [batch, channels, ...size] = network.inputs.find(({ name }) => name === "x")!.shape;
  const teacher = await subjectInThread(path, { backend: "auto", threads });
  const own: Preprocess = {
    ...{ size: size as [number, number], resize: size as [number, number], crop: "none" },
    ...{ channels: channels as 1 | 3, interpolation: "bilinear" },
    ...{ mean: new Array(channels).fill(0.5), std: new Array(channels).fill(0.25) },
  };
  const wanted = teacher.preprocess ?? own;
  const ask = async (images: Float32Array) => {
    const shape = [batch, wanted.channels, ...wanted.size];
    const { logits } = await teacher.run({ shape, data: teacherImages(images, own, wanted) });
    return logits.data as Float32Array;
  };
  const engines: Engine[] = [];
  const times: { [kind in Kind]: StepTime[] } = {
    plain: [],
    kept: [],
    asked: [],
  };
  try {
    const { classes } = scoresOf(teacher);
    const inputs = { [teacherValue(0)]: [batch, classes] };
    const plain = await engineFor(network, threads, {});
    engines.push(plain);
    const taught = await engineFor(network, threads, { loss: "distribution", inputs });
    engines.push(taught);
    const step = (engine: Engine, images: Float32Array<ArrayBuffer>, logits?: Float32Array) =>
      engine.step({
        microBatches: [microBatch(images, batch, classes, logits)],
        learningRate: 1e-4,
        scalars: { temperature: 0.5 },
      });
    let said = await ask(randomImages(network));
    for (let round = -1; round < rounds; round++) {
      for (const kind of KINDS) {
        const images = randomImages(network);
        const next = randomImages(network);
        const time = await timed(async () => {
          if (kind === "plain") await step(plain, images);
          else if (kind === "kept") await step(taught, images, said);
          else [said] = await Promise.all([ask(next), step(taught, images, said)]);
        });
        if (round >= 0) times[kind].push(time);
      }
    }
  } finally {
    for (const engine of engines) await engine.dispose();
    await teacher.dispose();
  }
  const costOf = (kind: Kind) => stepCost(times[kind], times.plain);
  return {
    ...{ model: network.name, teacher: path, batch, threads, rounds },
    ...{ plain: costOf("plain"), kept: costOf("kept"), asked: costOf("asked") },
  };
}

const KINDS = ["plain", "kept", "asked"] as const;
type Kind = (typeof KINDS)[number];

async function engineFor(
  network: Graph,
  threads: number,
  loss: Parameters<typeof compileTraining>[1],
): Promise<Engine> {
  const graph = compileTraining(network, loss);
  const { optimiser, clip, averageDecay } = resolveRecipe("plain");
  const layout = layoutOf(network, new Set(graph.gradients), optimiser);
  const training = { graph, optimiser, clip, averageDecay };
  return startEngine({ layout, training, threads }, flatten(layout, initialTensors(network, 0)));
}

function microBatch(
  images: Float32Array<ArrayBuffer>,
  batch: number,
  classes: number,
  logits?: Float32Array,
): MicroBatch {
  const labels = Int32Array.from({ length: batch }, (_, i) => i % classes);
  return { images, labels, ...(logits && { inputs: { [teacherValue(0)]: logits } }) };
}

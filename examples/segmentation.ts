/**
 * A dense task from end to end: which pixels of a picture are of the character in it, among clutter and
 * pieces of other characters. A BNext with a small head on its feature maps is trained on generated
 * characters, packed to 1 bit and run. After `npm run build`:
 *
 *   node examples/dist/segmentation.js         writes build/segmentation.onebit and build/segmentation.png
 *   node examples/dist/segmentation.js 2 320   so many passes over so many pictures
 */
import { mkdir } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import {
  adamDefaults,
  compileTraining,
  flatten,
  initialTensors,
  type Loss,
  layoutOf,
  learningRate,
  resolveRecipe,
  startEngine,
  unflatten,
} from "@onebit/train";
import { type Dataset, glyphMask, openDataset, preprocessFor, rng } from "@onebit/train/data";
import { loadModel, type Model } from "onebit";
import { writeOnebit } from "onebit/file";
import { conv2d, type Graph, GraphBuilder, type Tensor } from "onebit/graph";
import { preprocess } from "onebit/image";
import { buildModel } from "onebit/models";
import { writeFileAtomic } from "onebit/node";
import { pack } from "onebit/pack";
import sharp from "sharp";

const SIDE = 32;
/** Not of a character, of one. */
const CLASSES = 2;

/** Pixels of one side of a cell: what a position of the coarsest map tells of. */
const CELL = 4;
const CELLS = SIDE / CELL;

/**
 * Output "cells" [N, CLASSES * CELL * CELL, CELLS, CELLS]: the scores of class k at row y, column x of a cell are
 * channel (k * CELL + y) * CELL + x, so that nothing has to be made larger in the network ("dense upsampling
 * convolution", arXiv 1702.08502). Every feature map adds its part, by a convolution with as many pixels as a
 * cell has of it: fine maps say where edges are, coarse ones what they belong to.
 */
export function segmenter(batch: number, widths: readonly number[] = [24, 48, 96, 96]): Graph {
  const options = { widths, classes: CLASSES, input: [3, SIDE, SIDE] as const, batch };
  const small = { stemStride: 2, seReduction: 32, latentStd: 0.05 } as const;
  const body = buildModel("bnext", { ...options, ...small });
  const stages = Object.entries(body.outputs).filter(([name]) => name.startsWith("stage-"));
  const b = GraphBuilder.from({ ...body, outputs: Object.fromEntries(stages) });
  const parts = stages.map(([name, map]) => {
    const kernel = b.shape(map)[2] / CELLS;
    const geometry = { kernel, stride: kernel, padding: 0 };
    const out = CLASSES * CELL * CELL;
    return conv2d(b, `head.${name}`, map, { out, ...geometry, bias: true, role: "classifier" });
  });
  const cells = parts.reduce((sum, part) => b.op("add", [sum, part]));
  b.output("cells", cells);
  // The engine trains scores [N, n] towards a target [N, n].
  b.output("logits", b.op("reshape", [cells], { shape: [0, -1] }));
  return b.build();
}

/** -mean over pixels of log softmax(scores)[class]. */
export const pixelLoss: Loss = (b, outputs, inputs) => {
  const byClass = (value: string) => b.op("reshape", [value], { shape: [0, CLASSES, -1] });
  const said = b.op("log-softmax", [byClass(outputs.get("logits"))], { axis: 1 });
  const products = b.op("mul", [byClass(inputs.get("target")), said]);
  const mean = b.op("mean", [products], { axes: [0, 1, 2], keepDims: false });
  return b.op("mul", [mean, b.constant(-CLASSES)]);
};

/** Where class k at pixel (y, x) is among the scores of a picture. */
function placeOf(k: number, y: number, x: number): number {
  const channel = (k * CELL + (y % CELL)) * CELL + (x % CELL);
  return (channel * CELLS + Math.floor(y / CELL)) * CELLS + Math.floor(x / CELL);
}

const EACH = Array.from({ length: SIDE * SIDE }, (_, i) => [Math.floor(i / SIDE), i % SIDE]);

/** 1 where the scores of a pixel are highest for a character, [SIDE, SIDE]. */
export const maskOf = (scores: Float32Array): Uint8Array =>
  Uint8Array.from(EACH, ([y, x]) => Number(scores[placeOf(1, y, x)] > scores[placeOf(0, y, x)]));

/** 1 at the place of the class of every pixel. */
function targetOf(mask: Uint8Array): Float32Array {
  const target = new Float32Array(CLASSES * SIDE * SIDE);
  EACH.forEach(([y, x], i) => {
    target[placeOf(mask[i], y, x)] = 1;
  });
  return target;
}

type Part = "train" | "test";

/** The picture as the network takes it. */
async function inputOf(data: Dataset, part: Part, index: number): Promise<Float32Array> {
  return preprocess(await data[part].image(index), preprocessFor(data));
}

/** Some pictures, with what the network should say of them. */
async function batchOf(data: Dataset, indices: readonly number[]) {
  const images = new Float32Array(indices.length * 3 * SIDE * SIDE);
  const target = new Float32Array(indices.length * CLASSES * SIDE * SIDE);
  for (const [n, index] of indices.entries()) {
    images.set(await inputOf(data, "train", index), n * 3 * SIDE * SIDE);
    const mask = glyphMask({ part: "train", index });
    target.set(targetOf(mask), n * CLASSES * SIDE * SIDE);
  }
  return { images, labels: new Int32Array(indices.length), inputs: { target } };
}

export interface TrainingPlan {
  readonly epochs: number;
  readonly batch: number;
  readonly widths?: readonly number[];
  readonly onEpoch?: (epoch: number, loss: number) => void;
}

/** Weights are signs from the first step on: so short a training has no time for soft ones. */
const BINARY = { temperature: 1e-8 };

/** Trains a network; its tensors, by key. */
export async function trained(data: Dataset, { epochs, batch, widths, onEpoch }: TrainingPlan) {
  const network = segmenter(batch, widths);
  const graph = compileTraining(network, { loss: pixelLoss });
  const optimiser = { ...adamDefaults, kind: "adamw", weightDecay: 1e-3 };
  const layout = layoutOf(network, new Set(graph.gradients), optimiser);
  const training = { graph, optimiser, clip: 5, averageDecay: null };
  const start = flatten(layout, initialTensors(network, 0));
  const engine = await startEngine({ layout, training, threads: 2 }, start);
  const stepsPerEpoch = Math.floor(data.train.length / batch);
  const { schedule: usual } = resolveRecipe("quickstart");
  const schedule = { ...usual, learningRate: 5e-3, warmupEpochs: epochs / 10 };
  try {
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = Int32Array.from({ length: data.train.length }, (_, i) => i);
      rng(0, "order", epoch).shuffle(order);
      let loss = 0;
      for (let i = 0; i < stepsPerEpoch; i++) {
        const indices = [...order.subarray(i * batch, (i + 1) * batch)];
        const position = { step: epoch * stepsPerEpoch + i, stepsPerEpoch, epochs };
        const result = await engine.step({
          microBatches: [await batchOf(data, indices)],
          learningRate: learningRate(schedule, position),
          scalars: BINARY,
        });
        loss += result.loss / stepsPerEpoch;
      }
      onEpoch?.(epoch + 1, loss);
    }
    return unflatten(layout, (await engine.snapshot()).values);
  } finally {
    await engine.dispose();
  }
}

/** Only what "cells" needs, with 1-bit weights: the bytes of a file. */
export function packed(tensors: { readonly [key: string]: Tensor }, widths?: readonly number[]) {
  const network = segmenter(1, widths);
  const { cells } = network.outputs;
  return writeOnebit(pack({ ...network, outputs: { cells } }, tensors));
}

/** What a packed network says of a test picture. */
export async function segmented(model: Model, data: Dataset, index: number): Promise<Uint8Array> {
  const x = { shape: [1, 3, SIDE, SIDE], data: await inputOf(data, "test", index) };
  const { cells } = await model.run(x, { outputs: ["cells"] });
  return maskOf(cells.data);
}

/** Over all test pictures: pixels that network and truth both call a character's, of those that either does. */
export async function intersectionOverUnion(model: Model, data: Dataset): Promise<number> {
  let [both, either] = [0, 0];
  for (let index = 0; index < data.test.length; index++) {
    const said = await segmented(model, data, index);
    const truth = glyphMask({ part: "test", index });
    both += said.filter((bit, i) => bit && truth[i]).length;
    either += said.filter((bit, i) => bit || truth[i]).length;
  }
  return both / either;
}

/** Rows of test pictures, of what the network says and of what is so, as a PNG four times as large. */
export async function picture(model: Model, data: Dataset, count: number): Promise<Uint8Array> {
  const grey = (mask: Uint8Array) =>
    Uint8Array.from({ length: 3 * mask.length }, (_, i) => 255 * mask[Math.floor(i / 3)]);
  const tiles: {
    input: Buffer;
    raw: { width: number; height: number; channels: 3 };
    left: number;
    top: number;
  }[] = [];
  const add = (pixels: Uint8Array, column: number, row: number) =>
    tiles.push({
      ...{ input: Buffer.from(pixels), left: column * (SIDE + 2), top: row * (SIDE + 2) },
      raw: { width: SIDE, height: SIDE, channels: 3 },
    });
  for (let index = 0; index < count; index++) {
    add((await data.test.image(index)).data as Uint8Array, index, 0);
    add(grey(await segmented(model, data, index)), index, 1);
    add(grey(glyphMask({ part: "test", index })), index, 2);
  }
  const [width, height] = [count, 3].map((tilesAlong) => tilesAlong * (SIDE + 2) - 2);
  const background = "#888";
  const sheet = await sharp({ create: { width, height, channels: 3, background } })
    .composite(tiles)
    .png()
    .toBuffer();
  return sharp(sheet)
    .resize(4 * width, 4 * height, { kernel: "nearest" })
    .png()
    .toBuffer();
}

/** Pictures of the sheet. */
const SHOWN = 12;

async function main([epochs = "6", images = "2880"]: readonly string[]): Promise<void> {
  const trainImages = Number(images);
  const data = await openDataset("glyphs", { trainImages, testImages: SHOWN * 30 });
  const onEpoch = (epoch: number, loss: number) =>
    console.log(`epoch ${epoch}: loss ${loss.toFixed(4)}`);
  const bytes = await packed(await trained(data, { epochs: Number(epochs), batch: 32, onEpoch }));
  using model = await loadModel(bytes);
  const score = await intersectionOverUnion(model, data);
  await mkdir("build", { recursive: true });
  await writeFileAtomic("build/segmentation.onebit", bytes);
  await writeFileAtomic("build/segmentation.png", await picture(model, data, SHOWN));
  console.log(`intersection over union ${score.toFixed(3)}; ${bytes.length} bytes`);
  console.log("build/segmentation.png: pictures, what the network says, what is so");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  await main(process.argv.slice(2));

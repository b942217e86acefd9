import { openDataset } from "@onebit/train/data";
import { loadModel } from "onebit";
import { evaluate } from "onebit/graph";
import sharp from "sharp";
import { expect, it } from "vitest";
import {
  intersectionOverUnion,
  maskOf,
  packed,
  picture,
  segmenter,
  trained,
} from "./segmentation.js";

const widths = [8, 16, 32];

it("learns where characters are, packs, and runs what it trained", async () => {
  const data = await openDataset("glyphs", { trainImages: 320, testImages: 24 });
  const losses: number[] = [];
  const onEpoch = (_: number, loss: number) => losses.push(loss);
  const tensors = await trained(data, { epochs: 6, batch: 32, widths, onEpoch });
  expect(losses[5]).toBeLessThan(0.7 * losses[0]);
  using model = await loadModel(await packed(tensors, widths));
  // All or nothing would be 0.1.
  expect(await intersectionOverUnion(model, data)).toBeGreaterThan(0.3);
  const x = {
    shape: [1, 3, 32, 32],
    data: Float32Array.from({ length: 3072 }, (_, i) => Math.sin(i / 5)),
  };
  const scalars = { temperature: { shape: [], data: Float32Array.of(1e-8) } };
  const { cells } = evaluate(segmenter(1, widths), { x, ...scalars }, tensors).outputs;
  const ran = await model.run(x, { outputs: ["cells"] });
  const largest = Math.max(...cells.data.map(Math.abs));
  ran.cells.data.forEach((score, i) => {
    expect(Math.abs(score - cells.data[i])).toBeLessThan(1e-4 * largest);
  });
  const { width, height } = await sharp(await picture(model, data, 3)).metadata();
  expect([width, height]).toEqual([4 * (3 * 34 - 2), 4 * (3 * 34 - 2)]);
});

it("scores lie as its output says", () => {
  const scores = new Float32Array(2 * 1024);
  // Class 1 at row 1, column 2 of the cell in row 3, column 5.
  scores[((1 * 4 + 1) * 4 + 2) * 64 + 3 * 8 + 5] = 1;
  const mask = maskOf(scores);
  expect([...mask.keys()].filter((i) => mask[i])).toEqual([(3 * 4 + 1) * 32 + 5 * 4 + 2]);
});

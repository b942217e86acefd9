import {
  describeClassifier,
  importCheckpoint,
  memoryBuffer,
  openCheckpoint,
  readOnnxFile,
} from "@onebit/convert";
import { Random } from "onebit/conformance";
import { expect, it } from "vitest";
import { type CheckpointSeed, checkpointSeed } from "./seeds.js";

const seeds = new Map<string, CheckpointSeed>();
for (let i = 0; i < 200; i++) {
  const seed = checkpointSeed(new Random(i));
  seeds.set(seed.name, seed);
}

it("there are seeds of every format", () => {
  expect(seeds.size).toBe(14);
});

it.each([...seeds.values()])("$name is sound", async ({ name, bytes }) => {
  if (name.includes("ONNX")) {
    expect(describeClassifier(readOnnxFile(bytes)).classes).toBe(3);
    return;
  }
  const { tensors } = await openCheckpoint(memoryBuffer(bytes));
  expect(tensors.size).toBeGreaterThan(0);
  for (const entry of tensors.values()) expect((await entry.read()).length).toBe(entry.elements);
  if (!name.includes("BNext")) return;
  const { model } = await importCheckpoint(memoryBuffer(bytes));
  expect(model.architecture).toMatchObject({ name: "bnext" });
});

it.each([...seeds.values()])(
  "$name, edited, is the same for the same numbers",
  ({ bytes, structure }) => {
    let changed = 0;
    for (let i = 0; i < 20; i++) {
      const [first, again] = [1, 2].map(() => structure(bytes, new Random(i)));
      expect(again.told).toBe(first.told);
      expect(Buffer.compare(again.bytes, first.bytes)).toBe(0);
      if (Buffer.compare(first.bytes, bytes) !== 0) changed++;
    }
    expect(changed).toBeGreaterThan(12);
  },
);

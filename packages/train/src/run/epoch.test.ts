import { setTimeout } from "node:timers/promises";
import { expect, it } from "vitest";
import { openDataset, openLoader, preprocessFor } from "../data/index.js";
import type { Engine, MicroBatch, StepRequest, StepResult } from "../engine/types.js";
import { resolveRecipe } from "../recipes/index.js";
import { divide } from "./check.js";
import { trainEpoch } from "./epoch.js";
import type { Setup } from "./prepare.js";

interface Fake {
  readonly augment?: { [name: string]: number | boolean };
  readonly answer?: () => Promise<{ [name: string]: Float32Array } | undefined>;
  readonly loss?: number;
}

/** An epoch of three steps, and the micro-batches that the engine got. */
async function epochOf({ augment, answer = async () => undefined, loss = 1 }: Fake) {
  const dataset = await openDataset("glyphs", { trainImages: 48, testImages: 36 });
  const recipe = resolveRecipe("plain", { batch: 16, microBatch: 8, augment });
  const setup = {
    ...{
      dataset,
      recipe,
      preprocess: preprocessFor(dataset),
      division: divide(recipe, 48),
      seed: 1,
    },
    schedules: { learningRate: () => 1e-3, scalars: {} },
    hooks: { metrics: {}, callbacks: [] },
    teachers: { answer },
    plan: { training: { graph: { inputs: [{ name: "target", shape: [8, 36] }] } } },
  } as unknown as Setup;
  const seen: MicroBatch[] = [];
  const engine = {
    async step({ microBatches }: StepRequest): Promise<StepResult> {
      seen.push(...microBatches);
      const numbers = { loss, correct: 0, images: 16, gradientNorm: 1, flipRate: 0 };
      return { ...numbers, finite: Number.isFinite(loss), recycled: [] };
    },
  } as unknown as Engine;
  const loader = openLoader(dataset, { workers: 0 });
  const totals = await trainEpoch({ setup, engine, loader, epoch: 0, onStep: async () => {} });
  return { seen, totals };
}

const given = async (augment: Fake["augment"]): Promise<MicroBatch[]> =>
  (await epochOf({ augment })).seen;

it("tells how long the engine waited for images, and for teachers", async () => {
  const quick = (await epochOf({})).totals;
  const slow = (await epochOf({ answer: () => setTimeout(40, undefined) })).totals;
  // The engine does nothing here: it waits for all that comes.
  expect(quick.waiting.images).toBeGreaterThan(0);
  expect(quick.waiting.teachers).toBeLessThan(30);
  expect(slow.waiting.teachers).toBeGreaterThanOrEqual(3 * 39);
  for (const { waiting, milliseconds } of [quick, slow]) {
    expect(waiting.images + waiting.teachers).toBeLessThanOrEqual(milliseconds);
  }
});

it("a loss that is not finite names what came from a teacher and is not either", async () => {
  const answer = async () => ({ "teacher1.logits": Float32Array.of(1, Number.NaN) });
  await expect(epochOf({ answer, loss: Number.NaN })).rejects.toThrow(
    'the loss "cross-entropy" is NaN at epoch 1, step 1 (learning rate 0.001): "teacher1.logits" holds numbers that are not finite',
  );
});

it("targets of mixed images are the shares of both labels", async () => {
  const plain = await given({});
  const mixed = await given({ mixup: 1 });
  expect(plain.map(({ inputs }) => inputs)).toEqual(new Array(6).fill(undefined));
  expect(mixed).toHaveLength(6);
  mixed.forEach(({ labels, inputs, images }, b) => {
    expect(labels).toEqual(plain[b].labels);
    const target = inputs!.target;
    expect(target).toHaveLength(8 * 36);
    // The share that the images themselves show, at one place where both differ.
    const of = plain[b].images;
    const at = Array.from({ length: 3072 }, (_, i) => i).find((i) => of[i] !== of[7 * 3072 + i])!;
    const share = (images[at] - of[7 * 3072 + at]) / (of[at] - of[7 * 3072 + at]);
    for (let n = 0; n < 8; n++) {
      const expected = new Array(36).fill(0);
      expected[labels[n]] += share;
      expected[labels[7 - n]] += 1 - share;
      for (let c = 0; c < 36; c++) expect(target[n * 36 + c]).toBeCloseTo(expected[c], 4);
    }
  });
});

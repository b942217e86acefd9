import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { shared } from "../../../core/src/test-support/shared.js";
import type { Checkpoint } from "./checkpoint.js";
import { fileBuffer } from "./file-buffer.js";
import { openCheckpoint } from "./open-checkpoint.js";
import { stateDict } from "./state-dict.js";
import type { TensorEntry } from "./tensor-entry.js";

const bundles = [
  ["bnext-narrow-c10", []],
  ["bnext18-narrow-c10", []],
  ["reactnet-a-narrow", ["checkpoint-legacy.pth.tar"]],
  ["reactnet-18-narrow", ["checkpoint-legacy.pth.tar"]],
] as const;

async function withCheckpoint(
  path: string,
  run: (checkpoint: Checkpoint) => Promise<void>,
): Promise<void> {
  const file = await fileBuffer(path);
  try {
    await run(await openCheckpoint(file));
  } finally {
    await file.close();
  }
}

/** Values by key without `module.`; NaN-free, so equality is plain. */
async function contents(checkpoint: Checkpoint): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for (const [key, entry] of stateDict(checkpoint).tensors) {
    const bytes = Buffer.from(await entry.bytes()).toString("base64");
    all.set(key.replace(/^module\./, ""), `${entry.dtype} ${entry.shape} ${bytes}`);
  }
  return all;
}

test.each(bundles)("%s: keys, shapes and types are those of keys.txt", async (bundle) => {
  const folder = shared(`goldens/${bundle}`);
  if (!folder) return;
  await withCheckpoint(`${folder}/state_dict.pth`, async (checkpoint) => {
    const lines = readFileSync(`${folder}/keys.txt`, "utf8").trimEnd().split("\n");
    const found = [...checkpoint.tensors.values()].map(
      ({ key, shape, dtype }) => `${key}\t[${shape.join(", ")}]\t${dtype}`,
    );
    expect(found).toEqual(lines);
  });
});

test.each(bundles)(
  "%s: every format and device tag holds the same tensors",
  async (bundle, more) => {
    const folder = shared(`goldens/${bundle}`);
    if (!folder) return;
    const files = ["state_dict.pth", "checkpoint-dataparallel.pth.tar", ...more];
    const all: Map<string, string>[] = [];
    for (const file of files) {
      await withCheckpoint(`${folder}/${file}`, async (checkpoint) => {
        all.push(await contents(checkpoint));
      });
    }
    for (const other of all.slice(1)) expect(other).toEqual(all[0]);
  },
);

test.each(bundles)("%s: the step's own record confirms the weights", async (bundle) => {
  const folder = shared(`goldens/${bundle}`);
  if (!folder) return;
  await withCheckpoint(`${folder}/train-step.npz`, async (step) => {
    await withCheckpoint(`${folder}/state_dict.pth`, async (checkpoint) => {
      let checked = 0;
      for (const [name, after] of step.tensors) {
        const key = /^after_step:(.*)$/.exec(name)?.[1];
        const before = key && checkpoint.tensors.get(key);
        if (!before) continue;
        const [low, high] = bundle.startsWith("bnext") ? clampOf(key) : [-Infinity, Infinity];
        const [old, now] = [await before.floats(), await after.floats()];
        const furthest = old.reduce((most, value, i) => {
          const clamped = Math.min(high, Math.max(low, value));
          return Math.max(most, Math.abs(now[i] - clamped) - 2e-6 * Math.abs(value));
        }, 0);
        // Adam's first step is at most the learning rate.
        expect(furthest, key).toBeLessThan(1.001e-3);
        checked += old.length;
      }
      expect(checked).toBeGreaterThan(50_000);
    });
  });
});

/** BNext clamps latent weights and mixing scales before a training step. */
function clampOf(key: string): readonly [number, number] {
  if (key.endsWith(".binary_conv.weight")) return [-1.5, 1.5];
  return key.endsWith(".scale") ? [0, 1] : [-Infinity, Infinity];
}

test("the optimiser's tensors and settings are read beside the network", async () => {
  const path = shared("goldens/reactnet-a-narrow/checkpoint-with-optimizer.pth.tar");
  if (!path) return;
  await withCheckpoint(path, async (checkpoint) => {
    expect(checkpoint.metadata.get("epoch")).toBe(255);
    expect(checkpoint.metadata.get("optimizer.param_groups.0.betas")).toEqual([0.9, 0.999]);
    expect(checkpoint.metadata.get("best_top1_acc")).toBeCloseTo(69.47, 4);
    const { wrapper, tensors } = stateDict(checkpoint);
    expect(wrapper).toEqual(["state_dict"]);
    expect(tensors.size).toBe(126);
    const shapes = (entries: Iterable<TensorEntry>) =>
      Array.from(entries, (entry) => entry.shape.join("x")).sort();
    const statistics = /running_|num_batches/;
    const parameters = [...tensors.values()].filter((entry) => !statistics.test(entry.key));
    const moments = [...checkpoint.tensors.values()].filter((entry) =>
      /^optimizer\.state\.\d+\.exp_avg_sq$/.test(entry.key),
    );
    expect(shapes(moments)).toEqual(shapes(parameters));
    for (const moment of moments) {
      expect((await moment.floats()).every((value) => value >= 0)).toBe(true);
    }
  });
});

test("ResNet-20 released in the old format equals its safetensors copy, bit for bit", async () => {
  const folder = shared("data/weights/cifar10-resnet");
  if (!folder) return;
  const all: Map<string, string>[] = [];
  for (const file of ["resnet20-12fca82f.th", "resnet20-12fca82f.safetensors"]) {
    await withCheckpoint(`${folder}/${file}`, async (checkpoint) => {
      all.push(await contents(checkpoint));
      // Its authors put the beginning of the SHA-256 into the file name.
      if (file.endsWith(".th")) expect((await checkpoint.sha256()).slice(0, 8)).toBe("12fca82f");
    });
  }
  expect(all[0].size).toBe(97);
  expect(Object.fromEntries(all[1])).toEqual(Object.fromEntries(all[0]));
});

test("input.npy and inputs-many.npy are images", async () => {
  const path = shared("goldens/reactnet-a-narrow/inputs-many.npy");
  if (!path) return;
  await withCheckpoint(path, async (checkpoint) => {
    const entry = checkpoint.tensors.get("array");
    expect(entry?.shape).toEqual([16, 3, 64, 64]);
    const values = await entry!.floats();
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.5);
  });
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OnebitError } from "onebit";
import { float32Values } from "onebit/file";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openDataset } from "../data/index.js";
import { type RecipeOverrides, resolveRecipe } from "../recipes/index.js";
import { readWhole } from "./checkpoint.js";
import { encodeMoments } from "./moments.js";
import type { TrainOptions } from "./options.js";
import { train } from "./train.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-moments-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
const path = (name: string) => join(folder, name);

async function trained(
  name: string,
  given: Partial<TrainOptions>,
  overrides: RecipeOverrides = {},
) {
  const data = await openDataset("glyphs", { trainImages: 64, testImages: 36 });
  const recipe = resolveRecipe("plain", {
    ...{ model: "linear", form: "real", epochs: 1, batch: 16, microBatch: 16, ...overrides },
  });
  const how = { threads: 1, dataWorkers: 0, worker: false } as const;
  const { notes } = { notes: [] as string[] };
  const onEvent: TrainOptions["onEvent"] = (event) => {
    if (event.event === "warning") notes.push(event.message);
    if (event.event === "saved" && event.epoch === 0) throw new Stop();
  };
  const stops = given.init === undefined ? {} : { onEvent };
  await train(recipe, { data, out: path(name), ...how, ...stops, ...given }).catch((error) => {
    if (!(error instanceof Stop)) throw error;
  });
  return notes;
}

/** Thrown once the state before the first step is on disk. */
class Stop extends Error {}

const stateOf = (name: string) => readWhole(path(`${name}/checkpoint/state.safetensors`));

it("a training begins with the moments and the steps of another, or with 0", async () => {
  await trained("first", {});
  const first = await stateOf("first");
  const init = path("first/checkpoint/state.safetensors");
  await trained("second", { init, moments: path("first") });
  const second = await stateOf("second");
  expect(JSON.parse(second.metadata.position).step).toBe(4);
  const moments = Object.keys(first.tensors).filter((key) => key.startsWith("optimiser/"));
  expect(moments).toHaveLength(4);
  for (const key of moments) expect(second.tensors[key].data).toEqual(first.tensors[key].data);
  await trained("third", { init });
  const third = await stateOf("third");
  expect(JSON.parse(third.metadata.position).step).toBe(0);
  for (const key of moments) expect(third.tensors[key].data.every((byte) => byte === 0)).toBe(true);
});

it("takes moments from a file, and says which start at 0", async () => {
  const shape = [36];
  const exp_avg = { "fc.bias": { shape, data: new Float32Array(36).fill(0.5) } };
  await writeFile(
    path("some"),
    encodeMoments({ step: 9, moments: { exp_avg, exp_avg_sq: exp_avg } }),
  );
  const notes = await trained("fourth", { init: path("first"), moments: path("some") });
  expect(notes).toContain("the moments of fc.weight start at 0");
  const { metadata, tensors } = await stateOf("fourth");
  expect(JSON.parse(metadata.position).step).toBe(9);
  const bias = float32Values("bias", tensors["optimiser/exp_avg/fc.bias"]);
  expect(new Set(bias)).toEqual(new Set([0.5]));
});

it("refuses moments of another optimiser, of another network, and without weights", async () => {
  const init = path("first");
  await expect(
    trained("fifth", { init, moments: init }, { optimiser: { kind: "sgd", momentum: 0.9 } }),
  ).rejects.toThrow(/has no moments "momentum_buffer" .*\(those there are exp_avg, exp_avg_sq\)/);
  const exp_avg = {
    "fc.bias": { shape: [3], data: new Float32Array(3) },
    "fc.weight": { shape: [1], data: new Float32Array(1) },
  };
  await writeFile(
    path("wrong"),
    encodeMoments({ step: 1, moments: { exp_avg, exp_avg_sq: exp_avg } }),
  );
  await expect(trained("sixth", { init, moments: path("wrong") })).rejects.toThrow(
    /moments of "fc.weight" are \[1\], \[36,3072\] is wanted: they belong to another network/,
  );
  await expect(trained("seventh", { moments: init })).rejects.toThrow(
    "--moments is of no use without --init",
  );
  await expect(trained("eighth", { init, moments: path("none") })).rejects.toThrow(OnebitError);
});

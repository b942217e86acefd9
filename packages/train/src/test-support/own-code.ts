import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { openDataset } from "../data/index.js";
import { type RecipeOverrides, resolveRecipe } from "../recipes/index.js";
import type { StepEvent } from "../run/events.js";
import type { TrainOptions, TrainResult } from "../run/options.js";
import { train } from "../run/train.js";

interface ShortRun extends TrainResult {
  readonly events: readonly StepEvent[];
  /** Of the epochs. */
  readonly losses: readonly number[];
}

/** A folder for modules and short trainings, as long as the tests of a file. */
export function ownCode() {
  let folder = "";
  let runs = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "onebit-own-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const path = (name: string) => join(folder, name);
  const newRun = () => path(`run-${runs++}`);
  return {
    path,
    newRun,
    async module(name: string, code: string): Promise<string> {
      await writeFile(path(name), code);
      return path(name);
    },
    /** Two epochs of four steps on 64 characters, in a folder of its own where none is given. */
    async trained(
      overrides: RecipeOverrides,
      given: Partial<TrainOptions> = {},
    ): Promise<ShortRun> {
      const data = await openDataset("glyphs", { trainImages: 64, testImages: 36 });
      const recipe = resolveRecipe("plain", {
        ...{ model: "linear", form: "real", epochs: 2, batch: 16, microBatch: null },
        ...overrides,
      });
      const out = given.out ?? newRun();
      const events: StepEvent[] = [];
      const onEvent: TrainOptions["onEvent"] = (event) => {
        if (event.event === "step") events.push(event);
        given.onEvent?.(event);
      };
      const how = { data, threads: 1, dataWorkers: 2, ...given, out, onEvent };
      const result = await train(recipe, how);
      return { ...result, events, losses: result.history.map((epoch) => epoch.train.loss) };
    },
  };
}

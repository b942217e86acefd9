import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Loss } from "../losses/index.js";
import { resolveRecipe } from "../recipes/index.js";
import { barsData } from "../test-support/bars.js";
import { loadTensors } from "./float-model.js";
import type { TrainOptions } from "./options.js";
import { train } from "./train.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-bad-loss-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const recipe = resolveRecipe("plain", { epochs: 1, batch: 32, microBatch: 16, form: "real" });
const options = (out: string, more: Partial<TrainOptions>): TrainOptions => ({
  ...{ data: barsData, model: "linear", threads: 1, dataWorkers: 0, worker: false },
  ...{ out: join(folder, out), ...more },
});

const perImage: Loss = (b, outputs) => b.op("mul", [outputs.get("logits"), outputs.get("logits")]);
// @ts-expect-error: as JavaScript may do
const forgetful: Loss = (b, outputs) => void b.op("mean", [outputs.get("logits")]);
const lost: Loss = () => "nowhere";
const throwing: Loss = () => {
  throw new TypeError("x is no function");
};
const labelsOnly: Loss = (b, _, inputs) => b.op("mean", [inputs.get("target")]);

it.each<[string, Loss | string, RegExp]>([
  [
    "no scalar",
    perImage,
    /the loss "function perImage" returns a value of shape \[16,4\]: the name of a scalar is wanted, such as b\.op\("mean", \[value\]\)/,
  ],
  [
    "nothing",
    forgetful,
    /"function forgetful" returns "undefined", which is no value of the graph/,
  ],
  ["another name", lost, /"function lost" returns "nowhere", which is no value of the graph/],
  ["an exception", throwing, /"function throwing" failed while it was added: x is no function/],
  [
    "what the network has no part in",
    labelsOnly,
    /linear: has no parameter that the loss "function labelsOnly" depends on/,
  ],
  [
    "an output that the network lacks",
    "attention(output=features)",
    /the loss "attention\(output=features\)": linear has no output "stage-16"; there are .*logits/,
  ],
])("a loss that gives %s is refused before anything is written", async (_, loss, message) => {
  const given = typeof loss === "string" ? {} : { loss };
  const words = typeof loss === "string" ? { ...recipe, loss } : recipe;
  await expect(train(words, options("refused", given))).rejects.toThrow(message);
  expect(await readdir(folder)).toEqual([]);
});

it("a loss that is NaN names itself, epoch and step; the state before it stays", async () => {
  const root: Loss = (b, outputs) => {
    const negative = b.op("neg", [b.op("exp", [outputs.get("logits")])]);
    return b.op("mean", [b.op("log", [negative])]);
  };
  const stopped = train(recipe, options("nan", { loss: root }));
  await expect(stopped).rejects.toThrow(
    /^the loss "function root" is NaN at epoch 1, step 1 \(learning rate 0\.001\): no step was taken before, so it is not the learning rate: look at the loss, .*state\.safetensors holds the state before the first epoch$/,
  );
  expect(
    Object.keys(await loadTensors(join(folder, "nan/checkpoint/state.safetensors"))),
  ).not.toEqual([]);
});

it("one that becomes infinite later is a matter of the learning rate", async () => {
  const schedule = { ...recipe.schedule, learningRate: 1e38 };
  const stopped = train({ ...recipe, schedule }, options("later", {}));
  await expect(stopped).rejects.toThrow(
    /^the (gradient norm of the )?loss "cross-entropy" is (NaN|Infinity) at epoch 1, step [2-4] .*: lower schedule\.learningRate, or clip the gradient \(clip=5\)/,
  );
});

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readRun } from "@onebit/train";
import { storedFloat32, writeSafetensors } from "onebit/file";
import { buildModel } from "onebit/models";
import { beforeAll, expect, it } from "vitest";
import { randomStream } from "../../../core/src/test-support/draw.js";
import { randomWeights } from "../../../core/src/test-support/random-weights.js";
import { temporaryFolder } from "../test-support/folder.js";
import { onebit } from "../test-support/run-cli.js";

const path = temporaryFolder();

/** Records of CIFAR-10: a label, then noise that is brighter in the channel of the label. */
async function writeCifar(): Promise<void> {
  const random = randomStream(1);
  await mkdir(path("cifar"));
  for (const [name, count] of [
    ["data_batch_1.bin", 32],
    ["test_batch.bin", 10],
  ] as const) {
    const records = Array.from({ length: count }, (_, i) => [
      i % 10,
      ...Array.from({ length: 3072 }, (_, p) => {
        const lit = Math.floor(p / 1024) === i % 3;
        return (lit ? 120 : 40) + Math.floor(80 * random());
      }),
    ]);
    await writeFile(path("cifar", name), Uint8Array.from(records.flat()));
  }
}

/** A narrow ResNet-20 under the keys of the public checkpoints. */
async function writeCheckpoint(name: string, seed: number): Promise<void> {
  const graph = buildModel("resnet-20", { width: 4, classes: 10 });
  const stored = Object.entries(randomWeights(graph, seed)).map(([key, { shape, data }]) => [
    `module.${key}`,
    storedFloat32(shape, data),
  ]);
  const bytes = writeSafetensors({ metadata: {}, tensors: Object.fromEntries(stored) });
  await writeFile(path(name), bytes);
}

beforeAll(async () => {
  await writeCifar();
  await writeCheckpoint("resnet20.th", 1);
  await writeCheckpoint("resnet56.th", 2);
});

/** The commands of the guide that name both files, with their files in the folder. */
async function commandsOfTheGuide(): Promise<string[][]> {
  const guide = await readFile(join(import.meta.dirname, "../../../../docs/training.md"), "utf8");
  const blocks = [...guide.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map(([, block]) => block);
  const block = blocks.find((text) => text.includes("import resnet20.th"))!;
  const whole = block.replaceAll("\\\n", " ").replaceAll(/ --out \S+/g, "");
  const lines = whole.trim().split("\n");
  return lines.map((line) => {
    const [, ...words] = line.trim().split(/\s+/);
    return words.map((word) =>
      word.replace(/^resnet\d+\.\w+$/, (file) => path(file)).replace("DIR", path("cifar")),
    );
  });
}

/** What makes a training small. */
const small = (recipe: string) => [
  ...["--epochs", "2", "--batch", "16", "--width", "8", "--threads", "1"],
  ...(recipe === "bnext-cifar" ? ["--set", "schedule.warmupEpochs=0"] : ["--depths", "1,1,1,1"]),
];

it("both CIFAR recipes learn from float models and ONNX files as the guide has it", async () => {
  const runs: string[] = [];
  for (const words of await commandsOfTheGuide()) {
    const out = path(`run-${runs.length}`);
    const isTraining = words[0] === "train";
    const { status, stderr } = await onebit(
      ...words,
      ...(isTraining ? [...small(words[1]), "--out", out] : []),
    );
    expect([words.join(" "), status, stderr]).toEqual([words.join(" "), 0, expect.anything()]);
    if (isTraining) runs.push(out);
  }
  const records = await Promise.all(runs.map((run) => readRun(run)));
  const taught = records.map(({ recipe, teachers = [] }) => [
    recipe.name,
    recipe.loss,
    ...teachers.map(({ role, path: file }) => `${role} ${file.slice(path().length + 1)}`),
  ]);
  expect(taught).toEqual([
    ["reactnet-cifar", "distribution", "teacher resnet56.safetensors"],
    ["reactnet-cifar", "distribution", "teacher resnet56.onnx"],
    ["bnext-cifar", "gap-aware", "assistant resnet20.safetensors", "teacher resnet56.onnx"],
  ]);
  const step1 = await readRun(join(runs[0], "step-1"));
  expect([step1.recipe.form, step1.teachers]).toEqual(["step1", records[0].teachers]);
}, 300_000);

it.each([
  [
    "reactnet-cifar",
    /of stage step-1 asks a teacher: name one, such as --teacher resnet-56\.onnx, or/,
  ],
  [
    "bnext-t",
    /--assistant efficientnet-b0\.onnx --teacher efficientnet-b2\.onnx, or train from the labels: --set loss=cross-entropy/,
  ],
])("%s without its teachers says which flags to add", async (recipe, message) => {
  const data = ["--data", `cifar:${path("cifar")}`, "--batch", "16"];
  const { status, stderr } = await onebit("train", recipe, ...data, "--out", path("none"));
  expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
  await expect(readFile(path("none", "run.json"))).rejects.toThrow("ENOENT");
});

import { writeFile } from "node:fs/promises";
import { storedFloat32, writeSafetensors } from "onebit/file";
import { buildModel } from "onebit/models";
import { beforeAll, describe, expect, it } from "vitest";
import { randomWeights } from "../../core/src/test-support/random-weights.js";
import { temporaryFolder } from "./test-support/folder.js";
import { writeIdxFolder } from "./test-support/idx.js";
import { onebit, onebitJson } from "./test-support/run-cli.js";

const path = temporaryFolder();
const data = () => ["--data", `idx:${path("idx")}`];

/** ResNet-20's keys for four classes of grey images of 8x8, below DataParallel. */
async function writeCheckpoint(): Promise<void> {
  const graph = buildModel("resnet-20", { width: 4, classes: 4, input: [1, 8, 8] });
  const stored = Object.entries(randomWeights(graph, 3)).map(([key, { shape, data }]) => [
    `module.${key}`,
    storedFloat32(shape, data),
  ]);
  const bytes = writeSafetensors({ metadata: {}, tensors: Object.fromEntries(stored) });
  await writeFile(path("net.th"), bytes);
}

beforeAll(async () => {
  await writeIdxFolder(path("idx"));
  await writeCheckpoint();
});

describe("a float network", () => {
  it("is imported, exported, packed in floats, verified and evaluated", async () => {
    const [float, packed, onnx] = ["net.safetensors", "net.onebit", "net.onnx"].map((n) => path(n));
    for (const output of [float, packed]) {
      const args = ["import", path("net.th"), "-o", output, "--input", "1x8x8"];
      expect(await onebitJson(...args)).toMatchObject({
        ...{
          family: "resnet-cifar",
          arch: "resnet-20",
          switches: { width: 4 },
          widths: [4, 8, 16],
        },
        ...{ binary: false, form: "real", binaryParameters: 0, prefix: "module." },
      });
    }
    expect((await onebit("export", float, "--to", "onnx", "-o", onnx)).status).toBe(0);
    const again = path("again.onebit");
    const { stdout } = await onebit("pack", float, "-o", again, "--real-weights", "int8");
    expect(stdout).toMatch(/1-bit +0\.00 % of the weights/);
    for (const other of [packed, onnx]) {
      expect(await onebitJson("verify", other, "--against", float)).toMatchObject({ ok: true });
    }
    const evaluated = (file: string) =>
      onebitJson<{ top1: number; loss: number }>("eval", file, ...data());
    const { top1, loss } = await evaluated(float);
    for (const other of [packed, onnx]) {
      const result = await evaluated(other);
      expect(result.top1).toBe(top1);
      expect(result.loss).toBeCloseTo(loss, 4);
    }
    const { layers } = await onebitJson<{ layers: unknown[] }>("summary", packed);
    expect(layers.length).toBeGreaterThan(20);
  });

  it("has no other weight form than real", async () => {
    const { status, stderr } = await onebit("summary", "resnet-34", "--form", "binary");
    expect(status).toBe(2);
    expect(stderr).toContain('form is "binary", but it is a float network');
    const train = ["train", "plain", ...data(), "--model", "resnet-20", "--form", "step1"];
    expect((await onebit(...train, "--out", path("none"))).status).toBe(2);
  });

  it.each([
    ["resnet-20", "--width", "4", "--depths", "1,1,1"],
    ["resnet-18", "--width", "4", "--stem", "small"],
    ["resnet-50", "--width", "2", "--depths", "1,1,1,1", "--stem", "small"],
    ["mobilenet-v1", "--widths", "8,16,32"],
  ])("%s learns, as real weights unless told", async (name, ...switches) => {
    const out = path(name);
    const fast = ["--batch", "16", "--threads", "1", "--set", "schedule.learningRate=0.01"];
    const args = ["train", "plain", ...data(), "--model", name, ...switches, ...fast];
    const { status, stdout } = await onebit(...args, "--epochs", "6", "--out", out, "--jsonl");
    expect(status).toBe(0);
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const losses = events.filter(({ event }) => event === "epoch").map(({ train }) => train.loss);
    expect(losses.at(-1)).toBeLessThan(0.8 * losses[0]);
    expect((await onebit("pack", out, "-o", path(`${name}.onebit`))).status).toBe(0);
  });

  it("starts from what was imported, with a new head for other classes", async () => {
    await writeIdxFolder(path("three"), { classes: 3 });
    const args = [
      "train",
      "--data",
      `idx:${path("three")}`,
      "--model",
      "resnet-20",
      "--width",
      "4",
    ];
    const { status, stderr } = await onebit(
      ...[...args, "--batch", "16", "--threads", "1", "--epochs", "1"],
      ...["--init", path("net.safetensors"), "--out", path("tuned")],
    );
    expect(status).toBe(0);
    expect(stderr).toMatch(/linear\.weight, linear\.bias start fresh: the class count differs/);
  });
});

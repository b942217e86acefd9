import { writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { writeColours } from "./test-support/colours.js";
import { temporaryFolder } from "./test-support/folder.js";
import { colourClassifier } from "./test-support/onnx.js";
import { onebit, onebitJson } from "./test-support/run-cli.js";

const path = temporaryFolder();

/** Red, green and blue pictures are these of ImageNet's classes to it; all others score 0. */
const NUMBERS = [1, 0, 999];

/** [N, 4] -> [N, classes]: the scores of four, from class `first` on. */
function wide(classes: number, first: number): Uint8Array {
  const data = new Array<number>(4 * classes).fill(0);
  NUMBERS.forEach((number, k) => {
    data[k * classes + first + number] = 1;
  });
  return colourClassifier({
    tail: ["MatMul logits wide y"],
    output: { name: "y", shape: ["N", classes] },
    tensors: { wide: { shape: [4, classes], data } },
  });
}

beforeAll(async () => {
  await writeFile(path("1000.onnx"), wide(1000, 0));
  await writeFile(path("1001.onnx"), wide(1001, 1));
  await writeFile(path("1002.onnx"), wide(1002, 0));
  const names = Array.from({ length: 1000 }, (_, k) => `own ${k}`);
  await writeFile(path("own.txt"), names.join("\n"));
  await writeColours(path("ids"), { n01443537: "red", n01440764: "green", n15075141: "blue" });
  await writeColours(path("names"), { goldfish: "red", tench: "green", "toilet tissue": "blue" });
  await writeColours(path("others"), { plain: "red", dotted: "green", striped: "blue" });
});

const plain = ["--mean", "0", "--std", "1"];

async function named(file: string, ...flags: string[]) {
  const picture = path("names/test/goldfish");
  const { stdout, stderr } = await onebit("run", path(file), picture, ...plain, "--json", ...flags);
  return { label: JSON.parse(stdout)[0].top[0].label, notes: stderr };
}

describe("an .onnx classifier that does not name its classes", () => {
  it.each(["1000.onnx", "1001.onnx"])("has ImageNet's names: %s", async (file) => {
    const { label, notes } = await named(file);
    expect(label).toBe("goldfish");
    expect(notes).toMatch(
      /note: 100. classes: ImageNet's names are assumed; --labels gives others/,
    );
  });

  it("has those that it is told", async () => {
    const { label, notes } = await named("1000.onnx", "--labels", path("own.txt"));
    expect(label).toBe("own 1");
    expect(notes).not.toMatch(/ImageNet's names/);
  });

  it("has numbers where it is of another count", async () => {
    const { label, notes } = await named("1002.onnx");
    expect(label).toBe("1");
    expect(notes).not.toMatch(/ImageNet's names/);
  });

  it.each([
    ["1000.onnx", "ids"],
    ["1001.onnx", "ids"],
    ["1000.onnx", "names"],
    ["1001.onnx", "names"],
  ])("is evaluated by name: %s on folders of %s", async (file, data) => {
    const args = ["eval", path(file), "--data", `folder:${path(data)}`, ...plain];
    expect(await onebitJson(...args)).toMatchObject({ images: 6, top1: 1 });
  });

  it("is not evaluated where the data knows none of the names", async () => {
    const args = ["eval", path("1000.onnx"), "--data", `folder:${path("others")}`, ...plain];
    const { status, stderr } = await onebit(...args);
    expect(status).toBe(1);
    expect(stderr).toMatch(/3 classes, the network 1000, and no names to match them by/);
  });
});

import { rm, writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { colourNetwork, writeColours } from "./test-support/colours.js";
import { temporaryFolder } from "./test-support/folder.js";
import { writeFloatModel } from "./test-support/networks.js";
import { onebit } from "./test-support/run-cli.js";

const path = temporaryFolder();

const kinds = ["onebit", "safetensors", "onnx"];

beforeAll(async () => {
  // The folders' own order is blue, green, red.
  for (const [name, labels] of [
    ["named", undefined],
    ["numbered", ["0", "1", "2"]],
  ] as const) {
    await writeFloatModel(
      path(`${name}.safetensors`),
      colourNetwork(["red", "green", "blue"], labels),
    );
    await onebit("pack", path(`${name}.safetensors`), "-o", path(`${name}.onebit`));
    await onebit("export", path(`${name}.safetensors`), "--to", "onnx", "-o", path(`${name}.onnx`));
  }
  await writeColours(path("same"), { red: "red", green: "green", blue: "blue" });
  await writeColours(path("some"), { Red: "red", blue: "blue" });
  await writeColours(path("others"), { red: "red", green: "green", cyan: "blue" });
  await writeColours(path("numbers"), { 0: "red", 1: "green", 2: "blue" });
});

async function evaluated(file: string, data: string, ...more: string[]) {
  const args = ["eval", path(file), "--data", `folder:${path(data)}`, "--json", ...more];
  const { status, stdout, stderr } = await onebit(...args);
  return { status, stderr, result: status === 0 ? JSON.parse(stdout) : stdout };
}

describe.each(kinds)("eval of .%s", (kind) => {
  it("finds classes by their names, in any order", async () => {
    const { result, stderr } = await evaluated(`named.${kind}`, "same");
    expect(result).toMatchObject({ images: 6, top1: 1, classes: ["red", "green", "blue"] });
    expect(result.confusion).toEqual([
      [2, 0, 0],
      [0, 2, 0],
      [0, 0, 2],
    ]);
    expect(stderr).toMatch(/in another order: matched by name/);
  });

  it("finds some of them, and says so", async () => {
    const { result, stderr } = await evaluated(`named.${kind}`, "some");
    expect(result).toMatchObject({ images: 4, top1: 1, classes: ["red", "green", "blue"] });
    expect(stderr).toMatch(/written differently: "Red" as "red"/);
    expect(stderr).toMatch(/has 2 of the network's 3 classes/);
  });

  it("refuses as many others", async () => {
    const { status, result, stderr } = await evaluated(`named.${kind}`, "others");
    expect([status, result]).toEqual([1, ""]);
    expect(stderr).toMatch(/does not know 1 of 3 classes: "cyan".* own without a match: "blue"/);
  });

  it("goes by position where the network has no names, with a note", async () => {
    const { result, stderr } = await evaluated(`numbered.${kind}`, "same");
    expect(result).toMatchObject({ images: 6, classes: ["blue", "green", "red"] });
    expect(result.top1).toBeCloseTo(1 / 3, 12);
    expect(stderr).toMatch(/names no classes.* by position: "blue", "green", "red"/);
  });

  it("and where the data have none", async () => {
    const { result, stderr } = await evaluated(`named.${kind}`, "numbers");
    expect(result.top1).toBe(1);
    expect(stderr).toMatch(/the data name no classes: taken by position/);
  });
});

it("eval takes labels in UTF-16 and imagenet_class_index.json for an .onnx model", async () => {
  await writeFile(path("utf16.txt"), Buffer.from("\ufeffred\r\ngreen\r\nblue\r\n", "utf16le"));
  const index = { 0: ["n1", "red"], 1: ["n2", "green"], 2: ["n3", "blue"] };
  await writeFile(path("index.json"), JSON.stringify(index));
  for (const file of ["utf16.txt", "index.json"]) {
    const { result } = await evaluated("numbered.onnx", "same", "--labels", path(file));
    expect(result.top1).toBe(1);
  }
});

describe("verify", () => {
  const verify = (a: string, b: string) =>
    onebit("verify", path(a), "--against", path(b), "--data", `folder:${path("same")}`);

  it("compares classes of the same name, whatever their order", async () => {
    await writeFloatModel(path("turned.safetensors"), colourNetwork(["blue", "red", "green"]));
    for (const kind of kinds) {
      const { status, stderr } = await verify(`named.${kind}`, "turned.safetensors");
      expect(stderr).toMatch(/in another order: compared by name/);
      expect(status).toBe(0);
    }
    const wrong = colourNetwork(["red", "green", "blue"], ["blue", "red", "green"]);
    await writeFloatModel(path("wrong.safetensors"), wrong);
    expect((await verify("named.safetensors", "wrong.safetensors")).status).toBe(1);
  });

  it("refuses other names, and goes by position where there are none", async () => {
    const other = colourNetwork(["red", "green", "blue"], ["red", "green", "cyan"]);
    await writeFloatModel(path("cyan.safetensors"), other);
    const refused = await verify("named.onebit", "cyan.safetensors");
    expect([refused.status, refused.stdout]).toEqual([1, ""]);
    expect(refused.stderr).toMatch(/name different classes: only .* has "blue", only .* "cyan"/);
    const { status, stderr } = await verify("named.onebit", "numbered.onnx");
    expect(stderr).toMatch(/numbered\.onnx names no classes: they are compared by position/);
    expect(status).toBe(0);
  });
});

it("train --init keeps the rows of classes that it knows", async () => {
  await writeColours(path("more"), { blue: "blue", red: "red", teal: "green" }, 4);
  const args = ["train", "plain", "--model", "linear", "--input", "3x4x4", "--data"];
  const small = ["--epochs", "1", "--batch", "4", "--set", "schedule.learningRate=1e-6"];
  const { status, stderr } = await onebit(
    ...[...args, `folder:${path("more")}`, "--init", path("named.safetensors")],
    ...[...small, "--out", path("run")],
  );
  expect(stderr).toMatch(/2 rows taken by class name, new ones for "teal", none for "green"/);
  expect(status).toBe(0);
  // The rows are in the data's order now: blue, red, teal.
  const scores = await evaluated("run", "more");
  expect(scores.result.confusion[0][0] + scores.result.confusion[1][1]).toBe(8);
  await rm(path("run"), { recursive: true });
});

import { writeFile } from "node:fs/promises";
import { UsageError } from "onebit";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { colourClassifier } from "../test-support/onnx.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";
import { preprocessFlags } from "./preprocess.js";

const path = temporaryFolder();

beforeAll(async () => {
  await writeFile(path("net.onnx"), colourClassifier());
  const picture = {
    create: { width: 20, height: 12, channels: 3, background: "#c85a28" },
  } as const;
  await writeFile(path("picture.png"), await sharp(picture).png().toBuffer());
});

describe("flags of preprocessing are refused", () => {
  it.each<[{ readonly [key: string]: string }, RegExp]>([
    [{ std: "0" }, /--std 0: every number must be above 0/],
    [{ std: "0.2,-0.2,0.2" }, /--std 0\.2,-0\.2,0\.2: every number must be above 0/],
    [{ std: "nan" }, /--std nan: one number per channel, or one for all, such as 0\.229/],
    [{ std: "" }, /--std : one number per channel/],
    [{ mean: "0.5,,0.5" }, /--mean 0\.5,,0\.5: one number per channel/],
    [{ mean: "1e999" }, /--mean 1e999: one number/],
    [{ mean: "123.675,116.28,103.53" }, /is in units of 0 to 255; .* --mean 0\.485,0\.456,0\.406$/],
    [{ std: "58.395,57.12,57.375" }, /--std 0\.229,0\.224,0\.225$/],
    [{ crop: "0" }, /--crop 0: a side such as 224/],
    [{ crop: "-8" }, /--crop -8: a side/],
    [{ crop: "" }, /--crop : a side/],
    [{ resize: "99999" }, /--resize 99999: .* of 1 to 4096/],
    [{ resize: "8.5" }, /--resize 8\.5: a side/],
    [{ resize: "8x" }, /--resize 8x: a side/],
  ])("%j", (flags, message) => {
    const [[key, text]] = Object.entries(flags);
    const { reader, name } = preprocessFlags.find((flag) => flag.key === key)!;
    expect(() => reader!.read(text, name)).toThrow(UsageError);
    expect(() => reader!.read(text, name)).toThrow(message);
  });

  it.each([
    ["--mean 0.5,0.5", /mean 0\.5,0\.5: 2 numbers for 3 channels: one for all or one for each/],
    ["--resize 4 --crop 8", /resize 4 is smaller than the crop of 8x8.*: say at least 8$/m],
    ["--resize 9x4", /resize 9x4 is smaller than the crop of 8x8/],
    ["--crop none --resize 16", /resize 16 without a crop does not give 8x8/],
    ["--crop none --resize 16x16", /16x16 for a network that takes 8x8/],
    ["--crop 9", /9x9 for a network that takes 8x8/],
  ])("%s, by the network's shape", async (flags, message) => {
    const args = ["run", path("net.onnx"), path("picture.png"), ...flags.split(" ")];
    const { status, stdout, stderr } = await onebit(...args);
    expect(stderr).toMatch(message);
    expect([status, stdout]).toEqual([2, ""]);
  });
});

it("one number of mean and std counts for every channel", async () => {
  const run = (...flags: string[]) =>
    onebitJson<{ top: unknown }[]>("run", path("net.onnx"), path("picture.png"), ...flags);
  const [one] = await run("--mean", "0.5", "--std", "0.25");
  const [three] = await run("--mean", "0.5,0.5,0.5", "--std", "0.25,0.25,0.25");
  const [other] = await run("--mean", "0.5,0.5,0.4", "--std", "0.25,0.25,0.25");
  expect(one.top).toEqual(three.top);
  expect(one.top).not.toEqual(other.top);
});

import type { Knowledge } from "@onebit/train";
import { beforeAll, expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { writeIdxFolder } from "../test-support/idx.js";
import { tinyBnext, writeFloatModel } from "../test-support/networks.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const path = temporaryFolder();
const data = () => ["--data", `idx:${path("idx")}`, "--threads", "1"];
beforeAll(async () => {
  await writeIdxFolder(path("idx"));
  const labels = ["0", "1", "2", "3"];
  await writeFloatModel(path("small.safetensors"), { ...tinyBnext(), labels });
  const wide = { ...tinyBnext({ widths: [8, 16, 32] }), labels };
  await writeFloatModel(path("wide.safetensors"), wide);
  await writeFloatModel(path("foreign.safetensors"), tinyBnext({ classes: 3 }));
  await onebit("pack", path("small.safetensors"), "-o", path("small.onebit"));
});

it("ranks networks of any kind, weak to strong, with what the rank is made of", async () => {
  const files = ["wide.safetensors", "small.onebit", "small.safetensors"].map((name) => path(name));
  const { teachers, epsilon } = await onebitJson<{ teachers: Knowledge[]; epsilon: number }>(
    ...["teachers", ...files, ...data()],
  );
  expect(teachers.at(-1)!.path).toBe(files[0]);
  const [packed, float] = [files[1], files[2]].map(
    (file) => teachers.find(({ path }) => path === file)!,
  );
  expect(packed.crossEntropy).toBeCloseTo(float.crossEntropy, 4);
  for (const { parameters, images, crossEntropy, complexity } of teachers) {
    expect(images).toBe(48);
    expect(complexity).toBeCloseTo(Math.log(1 + parameters / (crossEntropy + epsilon)), 10);
  }
  const { stdout } = await onebit("teachers", ...files, ...data(), "--images", "16");
  expect(stdout).toContain("16 training images, weak to strong by KC");
  expect(stdout).toContain("whose formula could not be read");
});

it("refuses all before it asks one", async () => {
  const refused = async (...args: string[]) => {
    const { status, stderr, stdout } = await onebit("teachers", ...args);
    expect([status, stdout]).toEqual([expect.any(Number), ""]);
    expect(status).toBeGreaterThan(0);
    return stderr;
  };
  const small = path("small.safetensors");
  expect(await refused(small, path("none.onnx"), ...data())).toContain("there is no such file");
  expect(await refused(small, path("foreign.safetensors"), ...data())).toMatch(
    /foreign\.safetensors: .*classes/,
  );
  expect(await refused(small)).toContain("--data");
  expect(await refused(...data())).toContain("missing required argument");
});

import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { storedFloat32, writeSafetensors } from "onebit/file";
import { buildModel, encodeFloatModel, models } from "onebit/models";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { randomWeights } from "../packages/core/src/test-support/random-weights.js";
import { packages, read, root } from "./imports.js";

/*
 * Every example in a docstring is type-checked as users would have it, then run, in a folder that has
 * the files which examples name.
 */

interface Example {
  /** Where it stands. */
  readonly at: string;
  readonly code: string;
}

const examples = packages().flatMap(({ files }) => files.flatMap(examplesOf));

function examplesOf(file: string): Example[] {
  const comments = read(file).match(/\/\*\*[\s\S]*?\*\//g) ?? [];
  const blocks = comments.flatMap((comment) => {
    const text = comment.replace(/^ *\* ?/gm, "");
    return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code]) => code);
  });
  return blocks.map((code, i) => ({ at: `${file}${i > 0 ? `, ${i + 1}` : ""}`, code }));
}

const here = process.cwd();
mkdirSync(join(root, "build"), { recursive: true });
// Inside the repository, where the packages are found by name.
const folder = mkdtempSync(join(root, "build/examples-"));
const fileOf = (example: Example) => join(folder, `${examples.indexOf(example)}.ts`);

beforeAll(async () => {
  for (const example of examples) writeFileSync(fileOf(example), `${example.code}export {};\n`);
  copyFileSync(join(root, "models/fashion-mnist.onebit"), join(folder, "fashion.onebit"));
  const grey = { width: 40, height: 30, channels: 3 as const, background: "#888" };
  writeFileSync(join(folder, "photo.png"), await sharp({ create: grey }).png().toBuffer());
  const options = { widths: [8, 16, 16], classes: 4, input: [3, 32, 32] } as const;
  const tensors = randomWeights(buildModel("bnext", options), 7);
  const { preprocess } = models["bnext-t"];
  const size = { size: [32, 32] as [number, number], resize: 32 };
  const float = encodeFloatModel({
    ...{ architecture: { name: "bnext", options }, tensors, labels: ["a", "b", "c", "d"] },
    ...{ preprocess: { ...preprocess!, ...size }, card: {} },
  });
  writeFileSync(join(folder, "float.safetensors"), float);
  const stored = Object.entries(tensors).map(([key, { shape, data }]) => {
    return [key, storedFloat32(shape, data)] as const;
  });
  const checkpoint = writeSafetensors({ metadata: {}, tensors: Object.fromEntries(stored) });
  writeFileSync(join(folder, "checkpoint.safetensors"), checkpoint);
  process.chdir(folder);
  vi.spyOn(console, "log").mockImplementation(() => {});
});

afterAll(() => {
  vi.restoreAllMocks();
  process.chdir(here);
  rmSync(folder, { recursive: true });
});

it("there is one for every entry point", () => {
  expect(examples.length).toBeGreaterThanOrEqual(17);
});

it("are what TypeScript takes", async () => {
  const config = {
    extends: "../../tsconfig.base.json",
    compilerOptions: { ...{ composite: false, declaration: false, sourceMap: false }, ...LOOSE },
    include: ["*.ts"],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, "-p", folder]).catch(
    (error: { stdout: string }) => error,
  );
  expect(stdout).toBe("");
});

const LOOSE = { inlineSources: false, noEmit: true, rootDir: "." };

it.each(examples)("$at", async (example) => {
  await import(fileOf(example));
});

import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { fileBuffer, importCheckpoint } from "@onebit/convert";
import { transformSync } from "esbuild";
import type { Graph } from "onebit/graph";
import { decodeFloatModel, floatModelGraph } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { onebit } from "../packages/cli/src/test-support/run-cli.js";
import { torchFile } from "../packages/convert/src/importers/test-support/checkpoints.js";
import { randomWeights } from "../packages/core/src/test-support/random-weights.js";
import { listingsIn } from "./browser/markdown.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const fixtures = join(root, "packages/convert/src/readers/fixtures");

/** Listings of a page: commands have no language. */
async function listings(page: string, language: string): Promise<string[]> {
  const found = listingsIn(await readFile(join(root, "docs", page), "utf8"));
  return found.filter((one) => (one.language ?? "") === language).map(({ code }) => code);
}

/** Each line in this process, its files where they lie. */
async function inFolder(folder: string, commands: string): Promise<void> {
  for (const command of commands.trim().split("\n")) {
    const [name, ...words] = command.split(" ");
    expect(name).toBe("onebit");
    const placed = words.map((word) =>
      /\.\w*[a-z]\w*$/.test(word)
        ? join(folder, word)
        : word.replace(/^folder:/, `folder:${folder}/`),
    );
    const { status, stderr } = await onebit(...placed);
    expect(`${command}: ${status === 0 ? "done" : stderr}`).toBe(`${command}: done`);
  }
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-elsewhere-"));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  await copyFile(join(fixtures, "larq.tflite"), join(folder, "net.tflite"));
  await copyFile(join(fixtures, "keras.h5"), join(folder, "net.h5"));
  const larq = await fileBuffer(join(fixtures, "larq.tflite"));
  const { model } = await importCheckpoint(larq);
  await larq.close();
  const exported = toOnnx(floatModelGraph(model), { tensors: model.tensors });
  await writeFile(join(folder, "net.onnx"), exported);
  const create = { width: 12, height: 9, channels: 3, background: "#c83" } as const;
  for (const name of ["train/0", "train/1", "test/0", "test/1"]) {
    await mkdir(join(folder, "photos", name), { recursive: true });
    await sharp({ create })
      .png()
      .toFile(join(folder, "photos", name, "a.png"));
  }
  await sharp({ create }).jpeg().toFile(join(folder, "photo.jpg"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("the commands of", () => {
  it("docs/from-larq.md work as they stand, one after another", async () => {
    const [tflite, keras, ...others] = await listings("from-larq.md", "");
    expect(others).toEqual([]);
    await inFolder(folder, tflite);
    await inFolder(folder, keras);
  }, 150_000);

  it("docs/from-pytorch.md do, and its code makes what they want", async () => {
    const [byOnnx, byStateDict, ...others] = await listings("from-pytorch.md", "");
    expect(others).toEqual([]);
    await inFolder(folder, byOnnx);
    const [code] = await listings("from-pytorch.md", "ts");
    const graph = await graphOf(code);
    const tensors = randomWeights(graph, 4);
    const saved = torchFile({ ...tensors });
    await writeFile(join(folder, "net.pth"), await saved.slice(0, saved.byteLength));
    await writeFile(join(folder, "mine.mjs"), transformSync(code, { loader: "ts" }).code);
    await run(process.execPath, ["mine.mjs"], { cwd: folder });
    const model = decodeFloatModel(await readFile(join(folder, "mine.safetensors")));
    expect(Object.keys(model.tensors)).toEqual(Object.keys(graph.tensors));
    await writeFile(
      join(folder, "mine.onnx"),
      toOnnx(floatModelGraph(model), { tensors: model.tensors }),
    );
    await inFolder(folder, byStateDict);
  }, 150_000);
});

/** The graph that a page's code builds. */
async function graphOf(code: string): Promise<Graph> {
  const whole = code.slice(0, code.indexOf("const own ="));
  const script = `${whole}\nexport { mine };\n`;
  const file = join(folder, "graph.mjs");
  await writeFile(file, transformSync(script, { loader: "ts" }).code);
  return ((await import(file)) as { mine: Graph }).mine;
}

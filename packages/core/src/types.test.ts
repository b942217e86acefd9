import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const built = fileURLToPath(new URL("../dist/index.js", import.meta.url));
const manifest = createRequire(import.meta.url).resolve("typescript/package.json");
const compiler = join(dirname(manifest), JSON.parse(readFileSync(manifest, "utf8")).bin.tsc);

/** What TypeScript says of a user's file, with these libraries of types and nothing else. */
async function complaints(
  lib: readonly string[],
  types: readonly string[],
  code: string,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "onebit-types-"));
  const imports = `import { type Classifier, type ImageInput, type Model, load, loadModel } from ${JSON.stringify(built)};`;
  await writeFile(join(folder, "user.mts"), `${imports}\n${code}`);
  const compilerOptions = {
    ...{ noEmit: true, strict: true, module: "nodenext", target: "es2023", lib },
    ...{ types, typeRoots: [join(dirname(manifest), "../@types")] },
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  try {
    await promisify(execFile)(process.execPath, [compiler, "-p", folder]);
    return "";
  } catch (error) {
    return (error as { stdout: string }).stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const everywhere = `
  export async function pixels(model: Classifier) {
    const size = { width: 1, height: 1 };
    const [best] = await model.classify({ ...size, data: new Uint8Array(4) });
    const [[first]] = await model.classify([{ ...size, data: [1, 2, 3] }], { top: 1 });
    const { logits } = await model.run({ shape: [1, 3, 1, 1], data: [0, 0, 0] });
    await model.run({ shape: [1, 3, 1, 1], data: new Float64Array(3) });
    const threads: number = model.threads;
    const why: string | undefined = model.threadsReason;
    return [best.label, first.probability, logits.data[0], threads, why];
  }
  export async function named(model: Model, classifier: Classifier) {
    const x = { shape: [1, 2], data: [0, 0] };
    const { anything } = await model.run({ x });
    const { a, b } = await model.run(x, { outputs: ["a", "b"] });
    const { logits } = await classifier.run({ x });
    // @ts-expect-error: not asked for
    const { c } = await classifier.run({ x }, { outputs: ["a"] });
    // @ts-expect-error: only the logits are asked for
    const { features } = await classifier.run(x);
    const any: Model = classifier;
    const [channels] = any.inputs.x.shape;
    return [anything.data, a.shape, b.shape, logits.data, channels, any.program.steps];
  }
  export const loading = load("x.onebit", { threads: 2, timeout: 5000 });
  export const any: Promise<Model> = loadModel("x.onebit", { maps: "bfloat16" });
  // @ts-expect-error: no such option
  load("x.onebit", { thread: 2 });
  // @ts-expect-error: a path is no image
  export const path: ImageInput = "x.png";
  // @ts-expect-error: floats are no pixels
  export const floats: ImageInput = { width: 1, height: 1, data: new Float32Array(3) };
`;

const inPages = `
  export async function pictures(model: Classifier, canvas: HTMLCanvasElement, image: HTMLImageElement) {
    await model.classify(image);
    await model.classify(canvas);
    await model.classify(document.querySelectorAll("img"));
    await model.classify([image, canvas, new ImageData(1, 1), await createImageBitmap(image)]);
    await model.features(new OffscreenCanvas(1, 1));
    await model.features(document.createElement("video"));
    await model.features(new VideoFrame(canvas));
    await model.classify(new Blob([]), { transfer: true });
    const video = document.createElement("video");
    for await (const [best] of model.stream(video, { fps: 5 })) console.log(best.label);
    // @ts-expect-error: to be awaited first
    await model.classify(createImageBitmap(image));
  }
  load(new Blob([]), { signal: AbortSignal.timeout(1) });
`;

const inNode = `
  load(new URL("file:///x.onebit"), { signal: AbortSignal.timeout(1), assets: new URL("file:///a/") });
  load(new Blob([]), { progress: (loaded, total) => console.log(loaded, total) });
  // @ts-expect-error: has an address, but is none
  load({ href: "x.onebit" });
`;

/** Every entry point of the package. */
const { exports } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const entries = Object.values(exports as { [path: string]: { types: string } }).map(
  ({ types }, i) => {
    const path = fileURLToPath(new URL(`../${types}`, import.meta.url)).replace(/\.d\.ts$/, ".js");
    return `export * as entry${i} from ${JSON.stringify(path)};`;
  },
);

it("the types of every entry point stand without those of pages or of Node", async () => {
  expect(entries.length).toBeGreaterThan(10);
  expect(await complaints(["es2023"], [], [everywhere, ...entries].join("\n"))).toBe("");
});

it("the types take what Node has", async () => {
  expect(await complaints(["es2023"], ["node"], everywhere + inNode)).toBe("");
});

it("the types take what a page has", async () => {
  const lib = ["es2023", "esnext.disposable", "dom", "dom.iterable"];
  expect(await complaints(lib, [], everywhere + inPages)).toBe("");
});

import { execFile } from "node:child_process";
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { transformSync } from "esbuild";
import { readOnebit } from "onebit/file";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listingsIn } from "./browser/markdown.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));

/** What the reader has, where a piece of code begins; by the names that the pages use. */
const GIVEN = `
import type { importCheckpoint, Importer } from "@onebit/convert";
import type { FloatTensor, ImageLike } from "onebit";
import type { Graph } from "onebit/graph";
import type { Preprocess } from "onebit/image";
type Network = Awaited<ReturnType<Importer["network"]>>;
declare global {
  const image: ImageLike;
  const data: Float32Array;
  const images: FloatTensor;
  const bytes: Uint8Array;
  const mean: number[];
  const std: number[];
  const buffer: Parameters<typeof importCheckpoint>[0];
  const graph: Graph;
  const preprocess: Preprocess;
  const mapped: (tensors: unknown) => Network["tensors"];
}
`;

interface Snippet {
  /** "docs/running.md 2" */
  readonly name: string;
  readonly code: string;
}

/** Those of docs/browser.md are built and run in Chromium by browser/bundlers.test.ts. */
async function snippets(): Promise<Snippet[]> {
  const docs = (await readdir(join(root, "docs"))).filter((name) => name.endsWith(".md"));
  const packages = await readdir(join(root, "packages"));
  const pages = [
    ...["README.md", "CONTRIBUTING.md", "models/README.md"],
    ...docs.filter((name) => name !== "browser.md").map((name) => `docs/${name}`),
    ...packages.map((name) => `packages/${name}/README.md`),
  ];
  const found: Snippet[] = [];
  for (const page of pages) {
    const text = await readFile(join(root, page), "utf8").catch(() => "");
    const code = listingsIn(text).filter(({ language }) => /^[jt]sx?$/.test(language));
    found.push(...code.map(({ code }, i) => ({ name: `${page} ${i + 1}`, code })));
  }
  return found;
}

/** The same as JavaScript, in which train() goes as far as dryRun() does, on some of the images. */
function dry(code: string): string {
  const { code: script } = transformSync(code, { loader: "ts" });
  return `import { dryRun } from "@onebit/train";
    import { openDataset } from "@onebit/train/data";
    const train = async (recipe, { data, ...options }) => {
      const some = await openDataset(data, { trainImages: 256, testImages: 36 });
      await dryRun(recipe, { ...options, data: some, steps: 1 });
      return { best: {} };
    };
    ${script.replace(/\btrain\b,?(?=[^;]*from "@onebit\/train")/, "")}`;
}

const all = await snippets();

describe("the code in README and docs", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "onebit-snippets-"));
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    for (const name of ["cifar10.onebit", "fashion-mnist.onebit", "fashion.onebit", "net.onebit"]) {
      await copyFile(join(root, "models/fashion-mnist.onebit"), join(folder, name));
    }
    const create = { width: 50, height: 40, channels: 3, background: "#c83" } as const;
    await sharp({ create }).jpeg().toFile(join(folder, "photo.jpg"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("is there", () => {
    expect(all.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["README.md 1", "docs/running.md 2", "packages/core/README.md 1"]),
    );
  });

  it("is right in its types", async () => {
    const typed = join(folder, "typed");
    await mkdir(typed);
    await writeFile(join(typed, "given.ts"), GIVEN);
    for (const [i, { code, name }] of all.entries()) {
      await writeFile(join(typed, `snippet-${i}.ts`), `// ${name}\n${code}export {};\n`);
    }
    const config = {
      extends: join(root, "tsconfig.base.json"),
      compilerOptions: {
        ...{ composite: false, declaration: false, noEmit: true, noUnusedLocals: false },
        typeRoots: [join(root, "node_modules/@types")],
      },
      include: ["*.ts"],
    };
    await writeFile(join(typed, "tsconfig.json"), JSON.stringify(config));
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const checked = await run(process.execPath, [tsc, "-p", typed]).catch((error) => error);
    const names = (text: string) =>
      text.replace(/snippet-(\d+)\.ts/g, (_, i: string) => all[Number(i)].name);
    expect(names(checked.stdout)).toBe("");
  });

  it.each(all)("$name is for Node 20 too", ({ code }) => {
    expect(code).not.toMatch(/^\s*(await )?using /m);
  });

  it("docs/running.md 2 makes what docs/running.md 3 loads", async () => {
    const codeOf = (name: string) => all.find((snippet) => snippet.name === name)!.code;
    const check = `const data = new Float32Array(3 * 64 * 64);
      ${codeOf("docs/running.md 3")}
      console.log(...embedding.shape);`;
    await writeFile(join(folder, "make.mjs"), codeOf("docs/running.md 2").replace(/ as const/, ""));
    await writeFile(join(folder, "use.mjs"), check);
    await run(process.execPath, ["make.mjs"], { cwd: folder });
    const { stdout } = await run(process.execPath, ["use.mjs"], { cwd: folder });
    expect(stdout).toBe("1 16\n");
    const file = await readFile(join(folder, "encoder.onebit"));
    expect((await readOnebit(file)).preprocess).toMatchObject({ size: [64, 64] });
  });

  it.each(["packages/train/README.md 1", "docs/training.md 1"])(
    "%s is a training that would begin",
    async (name) => {
      const { code } = all.find((snippet) => snippet.name === name)!;
      const file = join(folder, `${name.replaceAll(/\W/g, "-")}.mjs`);
      await writeFile(file, dry(code));
      await run(process.execPath, [file], { cwd: folder });
      expect(await readdir(folder)).not.toContain("runs");
    },
  );

  it.each(["README.md 1", "docs/running.md 1", "packages/core/README.md 1"])(
    "%s runs",
    async (name) => {
      const { code } = all.find((snippet) => snippet.name === name)!;
      const image = "const image = { data: new Uint8Array(30 * 20 * 3), width: 30, height: 20 };";
      const file = join(folder, `${name.replaceAll(/\W/g, "-")}.mjs`);
      await writeFile(file, `${image}\n${code}\nconsole.log(best.label.length > 0);\n`);
      const { stdout } = await run(process.execPath, [file], { cwd: folder });
      expect(stdout.trimEnd().split("\n").at(-1)).toBe("true");
    },
  );
});

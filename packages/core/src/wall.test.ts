import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = dirname(fileURLToPath(import.meta.url));
const RUNTIME_SIDE = ["program", "file", "runtime", "image", "platform", "conformance"];
const GRAPH_SIDE = ["ops", "graph", "models", "pack", "onnx", "cost"];

interface Import {
  readonly file: string;
  readonly target: string;
}

/** Product files, relative to src, with forward slashes. */
const files = readdirSync(root, { recursive: true, encoding: "utf8" })
  .map((path) => path.split(sep).join("/"))
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
  .filter((path) => !path.startsWith("test-support/"));

/** Every `import` and `export ... from`, and every `import(...)`, of a file. */
function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), "utf8");
  const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const statements = /(?:^|[\s;}(])(?:import|from)\s*\(?\s*["']([\w@.#][^"'\s]*)["']/g;
  return [...code.matchAll(statements)].map(([, target]) => ({ file, target }));
}

const imports = files.flatMap(importsOf);

/** Folder inside src that a relative import leads to; undefined for others. */
function folderOf({ file, target }: Import): string | undefined {
  if (!target.startsWith(".")) return undefined;
  const path = normalize(join(root, dirname(file), target));
  return relative(root, path).split(sep)[0];
}

const inFolder = (file: string, folders: readonly string[]) => folders.includes(file.split("/")[0]);

describe("the wall inside core", () => {
  it("has files and imports on both sides", () => {
    for (const folder of [...RUNTIME_SIDE, ...GRAPH_SIDE]) {
      expect(
        files.some((file) => inFolder(file, [folder])),
        folder,
      ).toBe(true);
    }
    expect(imports.length).toBeGreaterThan(files.length);
    expect(importsOf("runtime/backends.ts").map(({ target }) => target)).toContain(
      "./backends/wasm/index.js",
    );
  });

  it("keeps the runtime side and the root export free of the graph side", () => {
    const crossing = imports.filter(
      (entry) =>
        (inFolder(entry.file, RUNTIME_SIDE) || entry.file === "index.ts") &&
        GRAPH_SIDE.includes(folderOf(entry)!),
    );
    expect(crossing).toEqual([]);
  });

  it("keeps other packages out of core, and Node out of everything but platform", () => {
    const foreign = imports.filter(({ file, target }) => {
      if (target.startsWith("node:") || target === "#node") return !inFolder(file, ["platform"]);
      return !target.startsWith(".");
    });
    expect(foreign).toEqual([]);
  });

  it("keeps product files from importing tests and their support", () => {
    const bad = imports.filter(
      (entry) => folderOf(entry) === "test-support" || /\.test\.js$/.test(entry.target),
    );
    expect(bad).toEqual([]);
  });
});

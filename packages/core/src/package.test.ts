import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";

const folder = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const { dependencies, exports, files, sideEffects } = JSON.parse(
  readFileSync(folder("package.json"), "utf8"),
) as {
  dependencies?: object;
  exports: { [path: string]: { [condition: string]: string } };
  files: string[];
  sideEffects: boolean;
};

/** Files that a visitor's browser loads to run a packed network, found by following imports. */
function loaded(entry: string, seen = new Set<string>()): Set<string> {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  const text = readFileSync(entry, "utf8");
  for (const [, target] of text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)) {
    const next = fileURLToPath(new URL(target, `file://${entry}`));
    // A browser never asks for what is behind the Node check.
    if (!next.includes("/platform/node.")) loaded(next, seen);
  }
  return seen;
}

describe("package.json", () => {
  it("has no runtime dependencies and no side effects", () => {
    expect(dependencies).toBeUndefined();
    expect(sideEffects).toBe(false);
  });

  it.each(Object.keys(exports))("exports %s as source, types and JavaScript", (path) => {
    const conditions = exports[path];
    expect(Object.keys(conditions)).toEqual(["types", "onebit-source", "default"]);
    for (const file of Object.values(conditions))
      expect(statSync(folder(file)).isFile()).toBe(true);
  });

  it("publishes no tests", () => {
    expect(files).toEqual(["dist", "wasm"]);
    const published = readdirSync(folder("dist"), { recursive: true }) as string[];
    expect(published.filter((file) => /\.test\.|test-support/.test(file))).toEqual([]);
  });

  it("keeps the browser's runtime under 60 kB, JavaScript and WebAssembly together, gzipped", () => {
    const scripts = [...loaded(folder("dist/index.js"))].map((file) => readFileSync(file));
    const kernels = readdirSync(folder("wasm")).map((file) => readFileSync(folder(`wasm/${file}`)));
    const sizes = [...scripts, ...kernels].map((bytes) => gzipSync(bytes, { level: 9 }).length);
    expect(scripts.length).toBeGreaterThan(10);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(60_000);
  });
});

import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
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

/** Scripts that a visitor's browser loads to run a packed network, as a bundler leaves them. */
async function browserScripts(): Promise<string[]> {
  const bundle = await rolldown({
    input: [folder("dist/index.js"), folder("dist/runtime/backends/wasm/team-worker.js")],
    platform: "browser",
    // A browser never asks for what is behind the Node check.
    external: [/^node:/, /\/platform\/node/],
  });
  const { output } = await bundle.generate({ format: "esm", minify: true });
  return output.flatMap((file) => (file.type === "chunk" ? [file.code] : []));
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
    expect(files).toEqual(["bin", "dist", "!dist/.tsbuildinfo", "wasm"]);
    const published = readdirSync(folder("dist"), { recursive: true }) as string[];
    expect(published.filter((file) => /\.test\.|test-support/.test(file))).toEqual([]);
  });

  it("keeps the browser's runtime under 60 kB, JavaScript and WebAssembly together, gzipped", async () => {
    const size = (data: string | Uint8Array) => gzipSync(data, { level: 9 }).length;
    const scripts = (await browserScripts()).map(size);
    const kernels = readdirSync(folder("wasm")).map((file) =>
      size(readFileSync(folder(`wasm/${file}`))),
    );
    // A visitor loads one build of the kernels: the largest counts.
    const total = scripts.reduce((sum, bytes) => sum + bytes, Math.max(...kernels));
    expect(total).toBeGreaterThan(20_000);
    expect(total).toBeLessThan(60_000);
  });
});

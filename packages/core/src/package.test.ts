import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { describe, expect, it } from "vitest";
import { VERSION } from "./version.js";

const folder = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const { dependencies, exports, files, imports, peerDependenciesMeta, sideEffects, version } =
  JSON.parse(readFileSync(folder("package.json"), "utf8")) as {
    dependencies?: object;
    exports: { [path: string]: { [condition: string]: string } };
    files: string[];
    peerDependenciesMeta: { [name: string]: { optional: boolean } };
    imports: { [name: string]: { [condition: string]: string } };
    sideEffects: boolean;
    version: string;
  };

/** What a page loads where something fails, or is asked for: not to classify pictures. */
const RARE = [
  ...["runtime/backends/reference/index.js", "file/wrong-kind.js", "file/sha256-portable.js"],
  ...["program/passes/resize.js", "program/passes/narrow-maps.js", "platform/no-node.js"],
];

interface Script {
  readonly code: string;
  readonly rare: boolean;
}

/**
 * Scripts that a visitor's browser can load to run a packed network, as a bundler leaves them: the
 * first is the page's own, which has what others share.
 */
async function browserScripts(): Promise<Script[]> {
  const bundle = await rolldown({
    input: [folder("dist/index.js"), folder("dist/runtime/backends/wasm/team-worker.js")],
    platform: "browser",
    preserveEntrySignatures: "allow-extension",
  });
  const { output } = await bundle.generate({ format: "esm", minify: true });
  return output.flatMap((file) => {
    if (file.type !== "chunk") return [];
    const modules = Object.keys(file.modules);
    const rare = !file.isEntry && RARE.some((path) => modules.includes(folder(`dist/${path}`)));
    return [{ code: file.code, rare }];
  });
}

describe("package.json", () => {
  it("has no runtime dependencies and no side effects", () => {
    expect(dependencies).toBeUndefined();
    expect(peerDependenciesMeta).toEqual({ sharp: { optional: true } });
    expect(sideEffects).toBe(false);
  });

  it.each(Object.keys(exports))("exports %s as source, types and JavaScript", (path) => {
    const conditions = exports[path];
    const wanted = [
      "types",
      "onebit-source",
      ...(path === "./standalone" ? ["node"] : []),
      "default",
    ];
    expect(Object.keys(conditions)).toEqual(wanted);
    for (const file of Object.values(conditions))
      expect(statSync(folder(file)).isFile()).toBe(true);
  });

  it("has the version that its code tells, and kernels of it", () => {
    expect(VERSION).toBe(version);
    const module = new WebAssembly.Module(readFileSync(folder("wasm/simd.wasm")));
    const [stamp] = WebAssembly.Module.customSections(module, "onebit");
    expect(new TextDecoder().decode(stamp)).toBe(version);
  });

  it("gives Node's own modules to Node only, under a condition that bundlers know", () => {
    expect(Object.keys(imports["#node"])).toEqual(["onebit-source", "node", "default"]);
    for (const file of Object.values(imports["#node"]))
      expect(statSync(folder(file)).isFile()).toBe(true);
  });

  it("publishes no tests", () => {
    expect(files).toEqual(["bin", "dist", "!dist/.tsbuildinfo", "wasm"]);
    const published = readdirSync(folder("dist"), { recursive: true }) as string[];
    expect(published.filter((file) => /\.test\.|test-support/.test(file))).toEqual([]);
  });

  it("keeps what a page loads under 50.5 kB, and with what it seldom does under 58.5 kB, JavaScript and WebAssembly together, gzipped", async () => {
    const size = (data: string | Uint8Array) => gzipSync(data, { level: 9 }).length;
    const scripts = await browserScripts();
    const kernels = readdirSync(folder("wasm"))
      .filter((file) => file.endsWith(".wasm"))
      .map((file) => size(readFileSync(folder(`wasm/${file}`))));
    // A visitor loads one build of the kernels: the largest counts.
    const total = (some: readonly Script[]) =>
      some.reduce((sum, { code }) => sum + size(code), Math.max(...kernels));
    const usual = scripts.filter(({ rare }) => !rare);
    expect(scripts.length - usual.length).toBe(RARE.length);
    expect(total(usual)).toBeGreaterThan(20_000);
    expect(total(usual)).toBeLessThan(50_500);
    expect(total(scripts)).toBeLessThan(58_500);
  });

  it("keeps the standalone file, kernels and threads inside, once, under 59 kB gzipped", () => {
    const file = readFileSync(folder("dist/onebit.standalone.js"));
    expect(file.toString().match(/[\w+/=]{4000,}/g)).toHaveLength(1);
    const bytes = gzipSync(file, { level: 9 }).length;
    expect(bytes).toBeGreaterThan(40_000);
    expect(bytes).toBeLessThan(59_000);
  });
});

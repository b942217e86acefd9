import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
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

/** What a page loads where something fails. */
const RARE = ["words/failures.js", "file/sha256-portable.js", "platform/no-node.js"];

/** And where there is no WebAssembly, in its place. */
const REFERENCE = ["runtime/backends/reference/index.js"];

/**
 * What the options `cache` and `worker`, `input` and `maps`, and stream() load; the worker's own file is
 * wasm/model-worker.js.
 */
const ON_REQUEST = [
  ...["runtime/on-request.js", "platform/browser-store.js"],
  "program/passes/on-request.js",
];

/**
 * What a page loads for a network of some size whose browser has WebGPU, and where that may win or is asked
 * for. math.js is what WebGPU and the reference share.
 */
const WEBGPU = [
  ...["runtime/backends/webgpu/contest.js", "runtime/backends/webgpu/index.js"],
  "program/math.js",
];

interface Script {
  readonly code: string;
  /** Whether it is loaded for one of these modules. */
  isFor(modules: readonly string[]): boolean;
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
    const inside = Object.keys(file.modules);
    const isFor = (modules: readonly string[]) =>
      !file.isEntry && modules.some((path) => inside.includes(folder(`dist/${path}`)));
    return [{ code: file.code, isFor }];
  });
}

describe("package.json", () => {
  it("has no runtime dependencies and no side effects", () => {
    expect(dependencies).toBeUndefined();
    expect(peerDependenciesMeta).toEqual({ sharp: { optional: true }, webgpu: { optional: true } });
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

  it("keeps what a page loads under 54.5 kB, with what failures load under 60 kB, what options load under 6 kB, WebGPU under 30 kB, JavaScript and WebAssembly together, gzipped", async () => {
    const size = (data: string | Uint8Array) => gzipSync(data, { level: 9 }).length;
    const total = (some: readonly Script[]) => some.reduce((sum, { code }) => sum + size(code), 0);
    const scripts = await browserScripts();
    const groups = [RARE, ON_REQUEST, REFERENCE, WEBGPU];
    const [rare, onRequest, reference, webgpu] = groups.map((modules) => {
      const own = scripts.filter((script) => script.isFor(modules));
      expect(own).toHaveLength(modules.length);
      return own;
    });
    const asked = [...rare, ...onRequest, ...reference, ...webgpu];
    const usual = scripts.filter((script) => !asked.includes(script));
    // A visitor loads one build of the kernels: the largest counts.
    const builds = readdirSync(folder("wasm")).filter((file) => file.endsWith(".wasm"));
    const kernels = Math.max(...builds.map((file) => size(readFileSync(folder(`wasm/${file}`)))));
    expect(kernels + total(usual)).toBeGreaterThan(20_000);
    expect(kernels + total(usual)).toBeLessThan(54_500);
    expect(kernels + total(usual) + total(rare)).toBeLessThan(60_000);
    expect(total(onRequest)).toBeLessThan(6_000);
    expect(size(readFileSync(folder("wasm/model-worker.js")))).toBeLessThan(45_000);
    expect(total(webgpu)).toBeGreaterThan(10_000);
    expect(total(webgpu)).toBeLessThan(30_000);
  });

  it("keeps the standalone file, kernels and threads inside, once, under 60 kB gzipped", () => {
    const file = readFileSync(folder("dist/onebit.standalone.js"));
    expect(file.toString().match(/[\w+/=]{4000,}/g)).toHaveLength(1);
    const bytes = gzipSync(file, { level: 9 }).length;
    expect(bytes).toBeGreaterThan(40_000);
    expect(bytes).toBeLessThan(60_000);
  });

  it.each(["dist/onebit.standalone.js", "wasm/model-worker.js"])(
    "keeps WebGPU, the words of failures and the reference backend out of %s, in files beside it of under 30 and 10 kB gzipped",
    (file) => {
      const paths = [file, ...["webgpu", "rare"].map((n) => join(dirname(file), `onebit.${n}.js`))];
      const [without, webgpu, rare] = paths.map((path) => readFileSync(folder(path)).toString());
      expect(without).toContain("./onebit.webgpu.js");
      expect(without).not.toContain("countOneBits");
      expect(webgpu).toContain("countOneBits");
      expect(gzipSync(webgpu, { level: 9 }).length).toBeLessThan(30_000);
      expect(without).toContain("./onebit.rare.js");
      for (const words of ["the download link led to a page", "name:`reference`"]) {
        expect(without).not.toContain(words);
        expect(rare).toContain(words);
      }
      expect(gzipSync(rare, { level: 9 }).length).toBeLessThan(10_000);
    },
  );
});

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import binaryen from "assemblyscript/binaryen";
import { describe, expect, it } from "vitest";
import { loadKernels } from "./module.js";

const read = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url));

/** Numbers of the sections of a WebAssembly module. */
function sections(bytes: Uint8Array): number[] {
  const found: number[] = [];
  let at = 8;
  while (at < bytes.length) {
    found.push(bytes[at++]);
    let size = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      more = bytes[at] >= 0x80;
      size |= (bytes[at++] & 0x7f) << shift;
    }
    at += size;
  }
  return found;
}

describe("kernels", () => {
  it("import a memory and export three functions", async () => {
    const module = await loadKernels();
    expect(WebAssembly.Module.imports(module)).toEqual([
      { module: "env", name: "memory", kind: "memory" },
    ]);
    expect(WebAssembly.Module.exports(module)).toEqual([
      { name: "runList", kind: "function" },
      { name: "setScratch", kind: "function" },
      { name: "sigmoid", kind: "function" },
    ]);
  });

  it("bring no data of their own: it would lie where the plan puts values", () => {
    const DATA = 11;
    expect(sections(read("wasm/simd.wasm"))).not.toContain(DATA);
  });

  it("count scalar words without vectors: a compiler that finds some there makes them slow", () => {
    const text = binaryen.readBinary(read("wasm/simd.wasm")).emitText();
    const functions = text.split("(func ").filter((code) => code.includes("i64.popcnt"));
    expect(functions.length).toBe(1);
    expect(functions[0]).not.toMatch(/v128|[if]\d+x\d+/);
  });

  it("are small: at most 7.3 kB for a visitor, and their version", () => {
    expect(gzipSync(read("wasm/simd.wasm"), { level: 9 }).length).toBeLessThan(7300);
  });
});

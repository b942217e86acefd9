import { setFlagsFromString } from "node:v8";
import { beforeAll, describe, expect, it } from "vitest";
import { randomProgram } from "../../../conformance/random-program.js";
import type { Program } from "../../../program/types.js";
import { expectSameFloats } from "../../../test-support/packed-step.js";
import type { KernelBuild } from "./beside.js";
import { compileProgram } from "./compile.js";
import { WasmExecutable } from "./executable.js";
import { fastestBuild, loadKernels } from "./module.js";

/** In Node 20 relaxed SIMD is behind a flag, which V8 takes until it compiles the first module. */
beforeAll(() => setFlagsFromString("--experimental-wasm-relaxed-simd"));

async function outputsOf(seed: number, build: KernelBuild) {
  const { program, tensors, image } = randomProgram(seed);
  const compiled = compileProgram(program, tensors, { kernel: "lookup" });
  const executable = await WasmExecutable.instantiate(program, compiled, { build });
  const outputs = await executable.run(image, 1);
  executable.dispose();
  return outputs;
}

describe("the relaxed build", () => {
  it("is taken where the platform has it", () => {
    expect(fastestBuild()).toBe("relaxed");
  });

  it("imports and exports the same", async () => {
    const [relaxed, simd] = await Promise.all([
      loadKernels(false, { build: "relaxed" }),
      loadKernels(false, { build: "simd" }),
    ]);
    expect(WebAssembly.Module.exports(relaxed)).toEqual(WebAssembly.Module.exports(simd));
    expect(WebAssembly.Module.imports(relaxed)).toEqual(WebAssembly.Module.imports(simd));
  });

  it("says which kernels it runs", async () => {
    const programs = Array.from({ length: 20 }, (_, seed) => randomProgram(seed));
    const isConvolved = ({ steps }: Program) => steps.some(({ kind }) => kind === "binary-conv");
    const { program, tensors } = programs.find((one) => isConvolved(one.program))!;
    const names = async (build: KernelBuild) => {
      const compiled = compileProgram(program, tensors, { kernel: "lookup" });
      const executable = await WasmExecutable.instantiate(program, compiled, { build });
      return executable.kernels();
    };
    const simd = await names("simd");
    expect(simd).toContain("lookup 4x32");
    const relaxed = simd.map((name) => name.replace("lookup", "relaxed lookup"));
    expect(await names("relaxed")).toEqual(relaxed);
  });

  it("gives the same bits", async () => {
    for (let seed = 0; seed < 200; seed++) {
      const expected = await outputsOf(seed, "simd");
      const actual = await outputsOf(seed, "relaxed");
      for (const [name, values] of Object.entries(expected)) {
        expectSameFloats(actual[name], values, `seed ${seed}, ${name}`);
      }
    }
  });
});

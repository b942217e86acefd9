import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkProgram } from "../../../program/check.js";
import { expectSameFloats } from "../../../test-support/packed-step.js";
import { type RandomProgram, randomProgram } from "../../../test-support/random-program.js";
import { reference } from "../reference/index.js";
import { compileProgram } from "./compile.js";
import { type Kernels, WasmExecutable } from "./executable.js";
import { wasm } from "./index.js";
import { OPS } from "./instruction.js";
import { loadKernels } from "./module.js";

async function outputsOf({ program, tensors, image }: RandomProgram, backend: typeof wasm) {
  const executable = await backend.compile(program, tensors, { threads: 1 });
  return executable.run(image, 1);
}

describe("whole programs", () => {
  it("gives the bits of the reference", async () => {
    const check = fc.asyncProperty(fc.nat(), async (seed) => {
      const random = randomProgram(seed);
      checkProgram(random.program, random.tensors);
      const expected = await outputsOf(random, reference);
      const actual = await outputsOf(random, wasm);
      expect(Object.keys(actual)).toEqual(Object.keys(expected));
      for (const name of Object.keys(expected)) {
        expectSameFloats(actual[name], expected[name], `seed ${seed}, ${name}`);
      }
    });
    await fc.assert(check, { numRuns: 600 });
  });

  it("does not depend on what its memory held before", async () => {
    const kernels = await loadKernels();
    for (let seed = 0; seed < 60; seed++) {
      const { program, tensors, image } = randomProgram(seed);
      const compiled = compileProgram(program, tensors);
      const memory = compiled.plan.allocate();
      const instance = await WebAssembly.instantiate(kernels, { env: { memory } });
      const executable = new WasmExecutable(
        program,
        compiled,
        memory,
        instance.exports as unknown as Kernels,
      );
      const first = await executable.run(image, 1);
      new Uint8Array(memory.buffer, 64, compiled.plan.arenaBytes).fill(0xff);
      const second = await executable.run(image, 1);
      for (const name of Object.keys(first)) {
        expectSameFloats(second[name], first[name], `seed ${seed}, ${name}`);
      }
    }
  });
});

describe("instruction numbers", () => {
  it("are those of the kernels", () => {
    const source = readFileSync(
      new URL("../../../../kernels/instruction.ts", import.meta.url),
      "utf8",
    );
    const members = /export enum Op \{([^}]*)\}/.exec(source)?.[1].match(/\w+/g);
    expect(members).toEqual([...OPS]);
  });
});

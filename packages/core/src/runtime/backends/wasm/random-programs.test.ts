import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type RandomProgram, randomProgram } from "../../../conformance/random-program.js";
import { checkProgram } from "../../../program/check.js";
import { expectSameFloats } from "../../../test-support/packed-step.js";
import { reference } from "../reference/index.js";
import { compileProgram, type PlanOptions } from "./compile.js";
import { WasmExecutable } from "./executable.js";
import { wasm } from "./index.js";
import { FIRST_ADDRESS } from "./memory-plan.js";

type Outputs = { [name: string]: Float32Array };

async function outputsOf({ program, tensors, image }: RandomProgram, backend: typeof wasm) {
  const executable = await backend.compile(program, tensors, { threads: 1 });
  return executable.run(image, 1);
}

function expectSameOutputs(actual: Outputs, expected: Outputs, label: string): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const name of Object.keys(expected)) {
    expectSameFloats(actual[name], expected[name], `${label}, ${name}`);
  }
}

/** A program in a memory that the test can look into. */
async function openUp({ program, tensors }: RandomProgram, options: PlanOptions) {
  const compiled = compileProgram(program, tensors, options);
  const memory = compiled.plan.allocate();
  const executable = await WasmExecutable.instantiate(program, compiled, { memory });
  return { executable, bytes: new Uint8Array(memory.buffer), plan: compiled.plan };
}

describe("whole programs", () => {
  it("give the bits of the reference", async () => {
    const check = fc.asyncProperty(fc.nat(), async (seed) => {
      const random = randomProgram(seed);
      checkProgram(random.program, random.tensors);
      const expected = await outputsOf(random, reference);
      expectSameOutputs(await outputsOf(random, wasm), expected, `seed ${seed}`);
    });
    await fc.assert(check, { numRuns: 600 });
  });

  it("do not depend on rows per block, shared memory, or what the memory held before", async () => {
    for (let seed = 0; seed < 150; seed++) {
      const random = randomProgram(seed);
      const expected = await outputsOf(random, wasm);
      const { executable, bytes, plan } = await openUp(random, {
        blockBytes: 1,
        convPixels: 1,
        isolate: true,
      });
      for (const garbage of [0x00, 0xff, 0x3f]) {
        bytes.fill(garbage, FIRST_ADDRESS, FIRST_ADDRESS + plan.arenaBytes);
        expectSameOutputs(await executable.run(random.image, 1), expected, `seed ${seed}`);
      }
    }
  });

  it("write nowhere but into their own values and scratch", async () => {
    for (let seed = 0; seed < 150; seed++) {
      const random = randomProgram(seed);
      const { executable, bytes, plan } = await openUp(random, { isolate: true });
      bytes.fill(0xa5, FIRST_ADDRESS, FIRST_ADDRESS + plan.arenaBytes);
      const constants = bytes.slice(FIRST_ADDRESS + plan.arenaBytes);
      await executable.run(random.image, 1);
      expect(bytes.subarray(0, 64).every((byte) => byte === 0)).toBe(true);
      for (const { address, bytes: size } of plan.blocks) {
        const guard = bytes.subarray(address + size - 64, address + size);
        expect(guard.every((byte) => byte === 0xa5)).toBe(true);
      }
      const after = bytes.subarray(FIRST_ADDRESS + plan.arenaBytes);
      expect(constants.every((byte, i) => byte === after[i])).toBe(true);
    }
  });
});

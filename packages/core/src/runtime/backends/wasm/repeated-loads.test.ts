import { describe, expect, it } from "vitest";
import { checkProgram } from "../../../program/check.js";
import { expectSameFloats } from "../../../test-support/packed-step.js";
import { REPEATED_LOADS, repeatedLoads } from "../../../test-support/repeated-loads.js";
import { reference } from "../reference/index.js";
import { compileProgram } from "./compile.js";
import { WasmExecutable } from "./executable.js";

describe.each(REPEATED_LOADS)("values of $shape that repeat $times times", (one) => {
  it.each([1, 2, 3])("give the reference's bits on %i threads", async (threads) => {
    const { program, tensors, image } = repeatedLoads(one, 1);
    checkProgram(program, tensors);
    const alone = await reference.compile(program, tensors, { threads: 1 });
    const expected = await alone.run(image, 1);
    const compiled = compileProgram(program, tensors, { threads, parallelElements: 1 });
    const executable = await WasmExecutable.instantiate(program, compiled, { threads });
    expect(await executable.ready()).toBe(threads);
    const actual = await executable.run(image, 1);
    executable.dispose();
    for (const [name, values] of Object.entries(expected)) {
      expectSameFloats(actual[name], values, name);
    }
  });
});

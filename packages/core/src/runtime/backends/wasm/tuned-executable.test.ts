import { describe, expect, it } from "vitest";
import { type RandomProgram, randomProgram } from "../../../conformance/random-program.js";
import { expectSameFloats } from "../../../test-support/packed-step.js";
import { compileProgram } from "./compile.js";
import { WasmExecutable } from "./executable.js";
import { wasm } from "./index.js";
import type { BinaryConvKernel } from "./kernel-choice.js";
import { measuredKernels, unmeasuredClasses } from "./measured-kernels.js";
import { TunedExecutable } from "./tuned-executable.js";

/** The first that has a binary convolution. */
function withConvolution(seed = 1): RandomProgram {
  const drawn = randomProgram(seed);
  return unmeasuredClasses(drawn.program).length > 0 ? drawn : withConvolution(seed + 1);
}

const { program, tensors, image } = withConvolution();

function make(kernel: BinaryConvKernel, threads = 1): Promise<WasmExecutable> {
  return WasmExecutable.instantiate(
    program,
    compileProgram(program, tensors, { kernel, threads }),
    {
      threads,
    },
  );
}

/** Runs until it has been replaced, and once more. */
async function tuned(executable: TunedExecutable, done: () => boolean) {
  while (!done()) await executable.run(image, 1);
  return executable.run(image, 1);
}

describe("a tuned executable", () => {
  it.each([1, 2])(
    "goes on with what is better, of %i threads, and gives the same bits",
    async (threads) => {
      const first = await make("lookup", threads);
      const kernels = first.kernels();
      let tunes = 0;
      const executable = new TunedExecutable(first, async () => {
        tunes++;
        return make("scalar", threads);
      });
      const before = await executable.run(image, 1);
      expect(executable.kernels()).toEqual(kernels);
      const after = await tuned(executable, () => tunes > 0);
      for (const name of Object.keys(before)) expectSameFloats(after[name], before[name], name);
      expect(tunes).toBe(1);
      expect(executable.kernels()).toContain("scalar 2x2");
      expect(executable.profile().some((ms) => ms > 0)).toBe(true);
      expect(await executable.ready()).toBe(threads);
      await expect(first.run(image, 1)).rejects.toThrow(/disposed/);
      executable.dispose();
      await expect(executable.run(image, 1)).rejects.toThrow(/disposed/);
    },
  );

  it("tells the times and kernels of the run that was, not of what comes next", async () => {
    let tunes = 0;
    const executable = new TunedExecutable(await make("lookup"), () => {
      tunes++;
      return make("scalar");
    });
    while (tunes === 0) await executable.run(image, 1);
    expect(executable.kernels()).not.toContain("scalar 2x2");
    expect(executable.profile().some((ms) => ms > 0)).toBe(true);
    executable.dispose();
  });

  it.each<[string, () => Promise<undefined>]>([
    ["nothing is better", async () => undefined],
    ["others cannot be tried", () => Promise.reject(new RangeError("out of memory"))],
  ])("goes on as it is where %s", async (_, tune) => {
    let tunes = 0;
    const executable = new TunedExecutable(await make("lookup"), () => {
      tunes++;
      return tune();
    });
    const kernels = executable.kernels();
    await tuned(executable, () => tunes > 0);
    expect(executable.kernels()).toEqual(kernels);
    executable.dispose();
  });

  it("leaves nothing behind when it is disposed of meanwhile", async () => {
    const better = await make("scalar");
    let disposed = false;
    const executable = new TunedExecutable(await make("lookup"), async () => {
      executable.dispose();
      disposed = true;
      return better;
    });
    while (!disposed) await executable.run(image, 1);
    await expect(better.run(image, 1)).rejects.toThrow(/disposed/);
  });
});

describe("the wasm backend", () => {
  it("measures the shapes of a program that runs for long, once in a process", async () => {
    expect(unmeasuredClasses(program).length).toBeGreaterThan(0);
    const executable = await wasm.compile(program, tensors, { threads: 1 });
    const before = await executable.run(image, 1);
    while (measuredKernels.size === 0) await executable.run(image, 1);
    expect(unmeasuredClasses(program)).toEqual([]);
    const after = await executable.run(image, 1);
    for (const name of Object.keys(before)) expectSameFloats(after[name], before[name], name);
    executable.dispose();
    const next = await wasm.compile(program, tensors, { threads: 1 });
    expect(next).toBeInstanceOf(WasmExecutable);
    next.dispose();
  });
});

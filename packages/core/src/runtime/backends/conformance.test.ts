import { describe, expect, it } from "vitest";
import { runConformance, type Subject } from "../../conformance/run.js";
import { subjectsHere } from "../../conformance/subjects.js";
import { pack } from "../../pack/index.js";
import { elementCount } from "../../program/geometry.js";
import { randomGraph } from "../../test-support/random-graph.js";
import { randomImages, randomWeights } from "../../test-support/random-weights.js";
import type { Backend } from "../backend.js";
import { reference } from "./reference/index.js";
import { compileProgram } from "./wasm/compile.js";
import { WasmExecutable } from "./wasm/executable.js";
import { BINARY_CONV_KERNELS, type BinaryConvKernel } from "./wasm/kernel-choice.js";

/** `onebit selftest --full` takes 100,000, and minutes. */
const CONVOLUTIONS = process.env.CI ? 12_800 : 3000;

const { subjects, reasons } = await subjectsHere();
for (const [backend, reason] of Object.entries(reasons)) {
  console.warn(`not compared: backend ${backend}: ${reason}`);
}
/** Those that promise integers only have tests of their own. */
const fast = subjects.filter(({ backend }) => backend !== reference && backend.exact === "bits");
const named = fast.map((subject) => {
  return { ...subject, name: `${subject.backend.name}, threads ${subject.threads}` };
});

/**
 * The wasm backend with one kernel of binary convolution, blocks of a row, and threads that share
 * every step however small.
 */
function wasmWith(kernel: BinaryConvKernel): Backend {
  return {
    name: `wasm, ${kernel}`,
    ...{ threads: "many", exact: "bits", fast: true },
    unavailable: async () => undefined,
    compile(program, tensors, { threads }) {
      const options = { threads, parallelElements: 1, blockBytes: 1, kernel };
      const compiled = compileProgram(program, tensors, options);
      return WasmExecutable.instantiate(program, compiled, { threads });
    },
  };
}

async function expectConformance(
  tried: readonly Subject[],
  convolutions: number,
  networks: number,
) {
  const report = await runConformance({ subjects: tried, convolutions, networks, faults: 0 });
  expect(report.failures).toEqual([]);
  for (const subject of report.subjects) {
    // Fewer for threads, in batches of which some are small in number.
    const least = subject.threads === 1 ? convolutions : convolutions / 16;
    expect(subject.convolutions).toBeGreaterThanOrEqual(least);
    expect(subject.threadsAtWork).toBe(subject.threads);
    for (const [kernel, tried] of Object.entries(subject.kernels)) {
      const { allEqual, allOpposite } = tried;
      // A kernel for rare shapes needs the full number.
      if (tried.convolutions < 30) continue;
      expect(allEqual, `${kernel}: accumulators of equal signs`).toBeGreaterThan(0);
      expect(allOpposite, `${kernel}: accumulators of opposite signs`).toBeGreaterThan(0);
    }
  }
  for (const { what, atLeast, share } of report.distribution) {
    expect(share, what).toBeGreaterThanOrEqual(atLeast);
  }
}

describe("backends", () => {
  it("are the wasm backend at least, at one and two threads", () => {
    const wasm = fast.filter(({ backend }) => backend.name === "wasm");
    expect(wasm.map(({ threads }) => threads)).toEqual([1, 2]);
  });

  it(`give the integers of the definition for ${CONVOLUTIONS} convolutions, and the reference's bits for networks`, async () => {
    await expectConformance(fast, CONVOLUTIONS, 300);
  }, 600_000);

  it("include a reference that gives the integers of the definition", async () => {
    await expectConformance([{ backend: reference, threads: 1 }], 1600, 0);
  }, 300_000);
});

describe.each(BINARY_CONV_KERNELS)("the wasm backend's kernel %s", (kernel) => {
  it("passes with every step shared between threads", async () => {
    const backend = wasmWith(kernel);
    await expectConformance(
      [1, 2].map((threads) => ({ backend, threads })),
      1600,
      100,
    );
  }, 300_000);
});

describe.each(named)("$name", ({ backend, threads }) => {
  it("gives the bits of the reference on packed graphs", async () => {
    const count = 2;
    for (let seed = 300; seed < 400; seed++) {
      const graph = randomGraph(seed);
      const { program, tensors } = pack(graph, randomWeights(graph, seed));
      const size = elementCount(program.values[program.input].shape);
      const images = randomImages([count, size], 7).data as Float32Array;
      const [expected, actual] = [reference, backend].map(async (one) => {
        const executable = await one.compile(program, tensors, { threads });
        await executable.ready?.();
        const results = await executable.run(images, count);
        executable.dispose();
        const bits = Object.entries(results).map(([name, data]) => {
          return [name, new Uint32Array(Float32Array.from(data).buffer)];
        });
        return Object.fromEntries(bits);
      });
      expect(await actual, `seed ${seed}`).toEqual(await expected);
    }
  });
});

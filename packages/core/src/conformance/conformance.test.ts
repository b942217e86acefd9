import { describe, expect, it } from "vitest";
import { checkProgram } from "../program/check.js";
import { reference } from "../runtime/backends/reference/index.js";
import { batchProgram } from "./batch-program.js";
import { expectedOfBatch } from "./check-convolutions.js";
import { Distribution, rangeOf } from "./distribution.js";
import { casesUntilCaught, FAULTS, withFault } from "./faults.js";
import { randomBatch } from "./random-convolutions.js";
import { runConformance } from "./run.js";
import { networksUntilCaught, STEP_FAULTS } from "./step-faults.js";

describe("the random convolutions", () => {
  it("are of every kind that is hard, as often as promised", () => {
    const distribution = new Distribution();
    for (let seed = 0; seed < 150; seed++) {
      const { batch, outputs } = expectedOfBatch(seed);
      batch.convolutions.forEach((conv, i) => {
        distribution.add(conv, rangeOf(outputs[i]));
      });
    }
    for (const { what, atLeast, share } of distribution.shares()) {
      expect(share, what).toBeGreaterThanOrEqual(atLeast);
    }
  });

  it("are sound programs, and the same for the same seed", () => {
    for (let seed = 0; seed < 200; seed++) {
      const { program, tensors } = batchProgram(randomBatch(seed, seed % 10 === 0));
      checkProgram(program, tensors);
    }
    const [first, again, other] = [1, 1, 2].map((seed) => batchProgram(randomBatch(seed)));
    expect(JSON.stringify(again)).toBe(JSON.stringify(first));
    expect(JSON.stringify(other)).not.toBe(JSON.stringify(first));
  });
});

describe("the suite", () => {
  /** Of 100 seeds each, the mistake that took longest to find took so many convolutions at most. */
  const CASES = 32;
  /** Few convolutions are of those kinds. */
  const RARE: { readonly [fault: string]: number } = {
    ...{ "border not replicated": 160, "dilation ignored": 256 },
  };

  it.each(FAULTS)("finds, wherever it is: %s", async (fault) => {
    const most = RARE[fault] ?? CASES;
    for (let seed = 0; seed < (fault in RARE ? 30 : 100); seed++) {
      expect(await casesUntilCaught(reference, fault, seed), `seed ${seed}`).toBeLessThan(most);
    }
  });

  it.each(STEP_FAULTS)("finds in random networks: %s", async (fault) => {
    for (let seed = 0; seed < 8; seed++) {
      expect(await networksUntilCaught(reference, fault, seed), `seed ${seed}`).toBeLessThan(150);
    }
  });

  it("reports what differs, and ends badly", async () => {
    const backend = withFault(reference, "wrong weight bit", 3);
    const subjects = [{ backend, threads: 1 }];
    const report = await runConformance({ subjects, convolutions: 64, networks: 5, faults: 0 });
    expect(report.ok).toBe(false);
    expect(report.subjects[0]).toMatchObject({ convolutions: 64, networks: 5 });
    expect(report.subjects[0].wrong).toBeGreaterThan(5);
    expect(report.failures.length).toBe(5);
    expect(report.failures[0]).toMatch(
      /^reference with a wrong weight bit, threads 1: batch \d+, convolution \d+ \(input .*\): image \d, \[.*\] is -?\d+, -?\d+ expected$/,
    );
  });

  it("catches a backend that writes into its input, throws, or leaves an output out", async () => {
    const change = (run: (images: Float32Array) => { [name: string]: Float32Array }) => ({
      ...reference,
      compile: async () => ({ run: async (images: Float32Array) => run(images), dispose() {} }),
    });
    const tryOut = async (backend: typeof reference) => {
      const subjects = [{ backend, threads: 1 }];
      return runConformance({ subjects, convolutions: 32, networks: 0, faults: 0 });
    };
    const writing = await tryOut(
      change((images) => {
        new Float32Array(images.buffer)[0] = 1;
        return {};
      }),
    );
    expect(writing.failures).toEqual([
      "reference, threads 1: it wrote into or beside its input, at -64",
    ]);
    const throwing = change(() => {
      throw new Error("out of order");
    });
    expect((await tryOut(throwing)).failures).toEqual(["reference, threads 1: out of order"]);
    expect((await tryOut(change(() => ({})))).ok).toBe(false);
  });

  it("stops when it is told to", async () => {
    const subjects = [{ backend: reference, threads: 1 }];
    const all = { subjects, convolutions: 1e9, networks: 0, faults: 0 };
    await expect(runConformance({ ...all, signal: AbortSignal.timeout(50) })).rejects.toThrow();
  });
});

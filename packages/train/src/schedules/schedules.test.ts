import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkEndsBinary,
  checkSchedule,
  learningRate,
  type ScheduleConfig,
  temperature,
} from "./index.js";

const base: ScheduleConfig = {
  kind: "cosine",
  learningRate: 1e-3,
  finalLearningRate: 0,
  warmupEpochs: 0,
  warmupLearningRate: 0,
  per: "step",
  milestones: [],
  factor: 0.1,
};

const at = (epoch: number, epochs: number, stepsPerEpoch = 100) => ({
  step: Math.round(epoch * stepsPerEpoch),
  stepsPerEpoch,
  epochs,
});

describe("learning rate", () => {
  it("BNext's schedule: warm-up by 1.98e-4 an epoch, cosine over 512, about 4.4e-7 at the end", () => {
    const bnext: ScheduleConfig = {
      ...base,
      per: "epoch",
      finalLearningRate: 1e-7,
      warmupEpochs: 5,
      warmupLearningRate: 1e-5,
    };
    for (let e = 0; e < 5; e++) {
      expect(learningRate(bnext, at(e, 512))).toBeCloseTo(1e-5 + e * 1.98e-4, 12);
    }
    expect(learningRate(bnext, at(5, 512))).toBeCloseTo(1e-3, 12);
    const last = learningRate(bnext, at(511.99, 512));
    expect(last).toBeCloseTo(4.4e-7, 8);
    expect(learningRate(bnext, at(100.2, 512))).toBe(learningRate(bnext, at(100.9, 512)));
  });

  it("ReActNet's schedule: lr (1 - (e + 1) / E), 0 in the last epoch", () => {
    const react: ScheduleConfig = { ...base, kind: "linear", per: "epoch", learningRate: 5e-4 };
    expect(learningRate(react, at(0, 256))).toBeCloseTo((5e-4 * 255) / 256, 12);
    expect(learningRate(react, at(127, 256))).toBeCloseTo(2.5e-4, 12);
    expect(learningRate(react, at(255.5, 256))).toBe(0);
  });

  it("per step: starts at the rate, ends near the final one, never rises", () => {
    const shapes = fc.constantFrom("cosine" as const, "linear" as const);
    fc.assert(
      fc.property(
        shapes,
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 2, max: 50 }),
        (kind, epochs, n) => {
          const config = { ...base, kind, finalLearningRate: 1e-5 };
          const rates = Array.from({ length: epochs * n }, (_, step) =>
            learningRate(config, { step, stepsPerEpoch: n, epochs }),
          );
          expect(rates[0]).toBeCloseTo(1e-3, 12);
          for (let i = 1; i < rates.length; i++) expect(rates[i]).toBeLessThan(rates[i - 1]);
          expect(rates.at(-1)).toBeGreaterThanOrEqual(1e-5);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("step: multiplies at its milestones", () => {
    const config: ScheduleConfig = { ...base, kind: "step", milestones: [0.5, 0.75] };
    expect(learningRate(config, at(4.9, 10))).toBeCloseTo(1e-3, 12);
    expect(learningRate(config, at(5, 10))).toBeCloseTo(1e-4, 12);
    expect(learningRate(config, at(8, 10))).toBeCloseTo(1e-5, 12);
  });

  it("constant", () => {
    expect(learningRate({ ...base, kind: "constant" }, at(7, 10))).toBe(1e-3);
  });

  it("refuses what cannot work", () => {
    expect(() => checkSchedule({ ...base, kind: "cosin" }, 10)).toThrow(
      /unknown schedule "cosin": did you mean "cosine"/,
    );
    expect(() => checkEndsBinary({ kind: "papr", binaryAt: 0, decay: 0.9 }, 1e-7, 1, 9)).toThrow(
      /unknown temperature "papr": did you mean "paper"/,
    );
    expect(() => checkSchedule({ ...base, learningRate: 0 }, 10)).toThrow(/above 0/);
    expect(() => checkSchedule({ ...base, warmupEpochs: 10 }, 10)).toThrow(/warmupEpochs/);
    expect(() => checkSchedule({ ...base, warmupEpochs: 9 }, 10)).not.toThrow();
    const steps = { ...base, kind: "step", milestones: [0.5, 45] } as const;
    expect(() => checkSchedule(steps, 60)).toThrow(
      /milestones \[0.5, 45\]: 45 lies outside the training: .*\(epoch 45 of 60 is 0.75\)/,
    );
  });
});

describe("temperature", () => {
  const fraction = { kind: "fraction", binaryAt: 0.3, decay: 0.9 } as const;
  const paper = { ...fraction, kind: "paper" } as const;

  it("falls exponentially from 1 and is below the threshold from the fraction on", () => {
    const T = (step: number) =>
      temperature(fraction, 1e-7, { step, stepsPerEpoch: 50, epochs: 20 });
    expect(T(0)).toBe(1);
    expect(T(150)).toBeCloseTo(Math.sqrt(1e-7), 9);
    for (let step = 1; step < 300; step++) {
      expect(T(step) / T(step - 1)).toBeCloseTo(1e-7 ** (1 / 300), 9);
      expect(T(step)).toBeGreaterThan(1e-7);
    }
    for (let step = 300; step < 1000; step++) expect(Math.fround(T(step))).toBeLessThan(1e-7);
  });

  it("paper: 0.9 per epoch, binary from epoch 153 on", () => {
    const T = (epoch: number) => temperature(paper, 1e-7, at(epoch, 512));
    expect(T(0.99)).toBe(1);
    expect(T(1)).toBeCloseTo(0.9, 12);
    expect(T(152)).toBeGreaterThan(1e-7);
    expect(T(153)).toBeLessThan(1e-7);
  });

  it("refuses schedules that would not end binary, with the arithmetic", () => {
    expect(() => checkEndsBinary(paper, 1e-7, 10, 153)).toThrow(
      /0\.9\^152 = 1\.11e-7.*at least 154 epochs/,
    );
    expect(() => checkEndsBinary(paper, 1e-7, 10, 154)).not.toThrow();
    expect(() => checkEndsBinary({ ...fraction, binaryAt: 1 }, 1e-7, 10, 2)).toThrow(
      /step 20, and the last step is 19/,
    );
    expect(() => checkEndsBinary({ ...fraction, binaryAt: 1.5 }, 1e-7, 10, 2)).toThrow(/fraction/);
    expect(() => checkEndsBinary({ ...fraction, binaryAt: 0 }, 1e-7, 10, 2)).not.toThrow();
    expect(() => checkEndsBinary(fraction, 1e-7, 1, 1)).toThrow(/binaryAt/);
  });

  it("agrees with itself: whatever passes the check ends binary", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 30 }),
        (binaryAt, stepsPerEpoch, epochs) => {
          const config = { ...fraction, binaryAt };
          const step = stepsPerEpoch * epochs - 1;
          const last = temperature(config, 1e-5, { step, stepsPerEpoch, epochs });
          let passes = true;
          try {
            checkEndsBinary(config, 1e-5, stepsPerEpoch, epochs);
          } catch {
            passes = false;
          }
          expect(passes).toBe(last < 1e-5);
        },
      ),
    );
  });
});

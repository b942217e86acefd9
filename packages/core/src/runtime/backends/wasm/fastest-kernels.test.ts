import { expect, it } from "vitest";
import { randomProgram } from "../../../conformance/random-program.js";
import { probeKernels } from "./fastest-kernels.js";
import { classKey, estimatedKernel, kernelsFor } from "./kernel-choice.js";
import { measuredKernels, unmeasuredClasses } from "./measured-kernels.js";

it("finds a kernel that can compute it for every shape, and says whether one is not the estimate", async () => {
  for (let seed = 0; seed < 25; seed++) {
    const { program } = randomProgram(seed);
    const shapes = unmeasuredClasses(program);
    const changed = await probeKernels(shapes);
    const found = shapes.map(({ step, input }) => {
      const kernel = measuredKernels.get(classKey(step, input));
      expect(kernelsFor(step, input)).toContain(kernel);
      return kernel;
    });
    expect(changed).toBe(
      found.some((kernel, i) => kernel !== estimatedKernel(shapes[i].step, shapes[i].input)),
    );
    expect(unmeasuredClasses(program)).toEqual([]);
  }
  expect(measuredKernels.size).toBeGreaterThan(10);
});

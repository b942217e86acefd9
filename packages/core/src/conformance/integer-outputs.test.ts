import { expect, it } from "vitest";
import type { Backend } from "../runtime/backend.js";
import { reference } from "../runtime/backends/reference/index.js";
import { checkNetwork, expectedOfNetwork } from "./check-networks.js";
import { integerOutputs } from "./integer-outputs.js";
import { randomProgram } from "./random-program.js";

const seeds = Array.from({ length: 280 }, (_, seed) => seed);

/** The reference, but of every output that `isOff` one number is a little off. */
function inexact(isOff: (exact: boolean) => boolean): Backend {
  return {
    ...reference,
    ...{ name: "inexact", exact: "integers", fast: true },
    async compile(program, tensors, options) {
      const executable = await reference.compile(program, tensors, options);
      const integers = integerOutputs(program);
      return {
        ...executable,
        async run(images, count) {
          const outputs = await executable.run(images, count);
          for (const [name, data] of Object.entries(outputs)) {
            if (isOff(integers.includes(name))) data[0] += 0.25;
          }
          return outputs;
        },
      };
    },
  };
}

/** What is found wrong with it in random networks. */
async function foundIn(backend: Backend): Promise<readonly (string | undefined)[]> {
  const networks = await Promise.all(seeds.map((seed) => expectedOfNetwork(seed)));
  const found = await Promise.all(networks.map((one) => checkNetwork(backend, 1, one)));
  return found.filter((message) => message !== undefined);
}

it("finds integers among the outputs of random networks, and others", async () => {
  let [exact, all] = [0, 0];
  for (const seed of seeds) {
    const { program, tensors, image } = randomProgram(seed);
    const names = integerOutputs(program);
    all += Object.keys(program.outputs).length;
    exact += names.length;
    const convolved = program.steps.every(({ kind }) => kind === "binary-conv" || kind === "pool");
    if (names.length === 0 || !convolved) continue;
    const outputs = await (await reference.compile(program, tensors, { threads: 1 })).run(image, 1);
    for (const name of names) expect(outputs[name].every(Number.isInteger)).toBe(true);
  }
  expect(exact).toBeGreaterThan(10);
  expect(all - exact).toBeGreaterThan(20);
});

it("holds a backend of exact integers to these, and to no others", async () => {
  expect(await foundIn(inexact((exact) => !exact))).toEqual([]);
  const found = await foundIn(inexact((exact) => exact));
  expect(found.length).toBeGreaterThan(10);
  expect(found[0]).toMatch(/^network \d+: v\d+, image 0, \[0, 0, 0\] is /);
});

it("holds one of exact bits to all", async () => {
  const backend: Backend = { ...inexact((exact) => !exact), exact: "bits" };
  expect((await foundIn(backend)).length).toBeGreaterThan(100);
});

import { reference } from "onebit/reference";
import { describe, expect, it } from "vitest";
import { type RandomProgram, randomProgram } from "../../core/src/conformance/random-program.js";
import { expectSameFloats } from "../../core/src/test-support/packed-step.js";
import { nativeWith } from "./index.js";
import { isasUnderTest } from "./test-support/isas.js";

type Outputs = { [name: string]: Float32Array };

const PROGRAMS = 600;
const randoms = Array.from({ length: PROGRAMS }, (_, seed) => randomProgram(seed));

async function runOn(
  backend: typeof reference,
  { program, tensors, image }: RandomProgram,
  threads = 1,
  count = 1,
): Promise<Outputs> {
  const executable = await backend.compile(program, tensors, { threads });
  const images = new Float32Array(image.length * count);
  for (let i = 0; i < count; i++) {
    images.set(
      image.map((x) => x * (1 + i)),
      i * image.length,
    );
  }
  const outputs = await executable.run(images, count);
  executable.dispose();
  return outputs;
}

function expectSameOutputs(actual: Outputs, expected: Outputs, label: string): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const name of Object.keys(expected)) {
    expectSameFloats(actual[name], expected[name], `${label}, ${name}`);
  }
}

const isas = isasUnderTest();

describe.runIf(isas.length > 0).each(isas.length > 0 ? isas : ["none"])(
  "random programs on %s",
  (isa) => {
    it("give the bits of the reference", async () => {
      for (const [seed, random] of randoms.entries()) {
        const expected = await runOn(reference, random);
        expectSameOutputs(await runOn(nativeWith({ isa }), random), expected, `seed ${seed}`);
      }
    });

    it("do not depend on threads, batches or shared memory", async () => {
      for (const [seed, random] of randoms.slice(0, 200).entries()) {
        const expected = await runOn(reference, random, 1, 3);
        for (const threads of [1, 2, 3]) {
          for (const apart of [false, true]) {
            const actual = await runOn(nativeWith({ isa, apart }), random, threads, 3);
            expectSameOutputs(actual, expected, `seed ${seed}, ${threads} threads`);
          }
        }
      }
    });
  },
);

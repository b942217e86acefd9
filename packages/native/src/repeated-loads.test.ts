import { reference } from "onebit/reference";
import { describe, it } from "vitest";
import { expectSameFloats } from "../../core/src/test-support/packed-step.js";
import { REPEATED_LOADS, repeatedLoads } from "../../core/src/test-support/repeated-loads.js";
import { nativeWith } from "./index.js";
import { isasUnderTest } from "./test-support/isas.js";

const isas = isasUnderTest();

describe.runIf(isas.length > 0).each(isas.length > 0 ? isas : ["none"])(
  "values that repeat, on %s",
  (isa) => {
    it.each(REPEATED_LOADS)("$shape, $times times", async (one) => {
      const { program, tensors, image } = repeatedLoads(one, 1);
      const plain = await reference.compile(program, tensors, { threads: 1 });
      const expected = await plain.run(image, 1);
      for (const threads of [1, 2, 3]) {
        for (const apart of [false, true]) {
          const backend = nativeWith({ isa, apart });
          const executable = await backend.compile(program, tensors, { threads });
          const actual = await executable.run(image, 1);
          executable.dispose();
          for (const [name, values] of Object.entries(expected)) {
            expectSameFloats(actual[name], values, `${name}, ${threads} threads`);
          }
        }
      }
    });
  },
);

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { floatTensor } from "../test-support/packed-step.js";
import { checkTensors } from "./check-tensors.js";

/** Any 32 bits, those of infinities and NaN among them. */
const bits = fc.oneof(
  fc.integer(),
  fc.constantFrom(0, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fffffff).chain((x) => {
    return fc.constantFrom(x, x | 0x80000000);
  }),
);

describe("checking tensors", () => {
  it("finds every number that is not finite, and nothing else", () => {
    fc.assert(
      fc.property(fc.array(bits, { minLength: 1, maxLength: 40 }), (words) => {
        const data = new Float32Array(Int32Array.from(words).buffer);
        const check = () => checkTensors({ t: floatTensor(data) });
        const bad = [...data].findIndex((x) => !Number.isFinite(x));
        if (bad < 0) check();
        else expect(check).toThrow(`tensor "t": element ${bad} is ${data[bad]}, not a finite`);
      }),
    );
  });

  it("finds it anywhere in a large tensor, a view included", () => {
    const data = new Float32Array(30_003).subarray(3);
    checkTensors({ t: floatTensor(data) });
    for (const at of [0, 4095, 4096, 8191, 29_999]) {
      data[at] = Number.NaN;
      expect(() => checkTensors({ t: floatTensor(data) })).toThrow(`element ${at} is NaN`);
      data[at] = -3.4e38;
    }
    checkTensors({ t: floatTensor(data) });
  });
});

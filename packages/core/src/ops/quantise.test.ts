import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { evaluateOp, inferShape, tensor, valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

const f = Math.fround;

/** The published quantiser on one group, written out a second time. */
function plain(x: readonly number[], bits: number, clip: number): number[] {
  const c = x.map((value) => Math.min(Math.max(f(value), -clip), clip));
  const low = Math.min(...c);
  const range = f(f(Math.max(...c) - low) + f(1e-8));
  const top = 2 ** bits - 1;
  return c.map((value) => {
    const at = f(f(f(value - low) / range) * top);
    const whole = Math.floor(at);
    const rest = at - whole;
    const code = whole + (rest > 0.5 || (rest === 0.5 && whole % 2 === 1) ? 1 : 0);
    return f(f(f(code / top) * range) + low) + 0;
  });
}

describe("quantise", () => {
  it.each([
    [[3, 10], 1, 8, 25],
    [[2, 7, 1, 1], 1, 4, 1000],
    [[2, 3, 4, 5], 2, 8, 1000],
    [[2, 3, 4, 4], 2, 16, 1.5],
  ])("of %j by groups of the first %i dimensions, %i bits", async (shape, leading, bits, clip) => {
    const attrs = { bits, clip, leading };
    const { inputs, outputs } = await checkOp({
      op: "quantise",
      attrs,
      inputs: [shape],
      estimated: [0],
    });
    const size = shape.slice(leading).reduce((n, dim) => n * dim, 1);
    const x = [...inputs[0].data];
    const expected = Array.from({ length: x.length / size }, (_, group) =>
      plain(x.slice(group * size, (group + 1) * size), bits, clip),
    );
    expect([...outputs[0].data]).toEqual(expected.flat());
  });

  it("rounds ties to even", () => {
    // levels 15 of range 15 (1e-8 is lost): codes are the numbers themselves
    const x = [[0, 0.5, 1.5, 2.5, 14.5, 15]];
    const y = valuesOf("quantise", x, { bits: 4, clip: 1000, leading: 1 });
    expect(y).toEqual([0, 0.5, 1.5, 2.5, 14.5, 15]);
    const [rows] = evaluateOp("quantise", [tensor(x[0], [1, 6])], {
      bits: 4,
      clip: 1000,
      leading: 1,
    });
    expect([...rows.data]).toEqual([0, 0, 2, 2, 14, 15]);
  });

  it("lets gradients through inside the window only, ends excluded", async () => {
    const x = tensor([-3, -2, -1, 0, 1.999, 2, 5, 0.1], [1, 8]);
    const attrs = { bits: 8, clip: 2, leading: 1 };
    const { gradients, gradOutputs } = await checkOp({
      op: "quantise",
      attrs,
      inputs: [x],
      estimated: [0],
    });
    const inside = [...x.data].map((value) => value > -2 && value < 2);
    expect([...gradients[0]!.data]).toEqual(
      [...gradOutputs[0]!.data].map((g, i) => (inside[i] ? g : 0)),
    );
  });

  const group = fc.array(fc.float({ min: -50, max: 50, noNaN: true }), {
    minLength: 1,
    maxLength: 40,
  });

  it("has at most 2^bits values, within half a step, from the smallest to the largest", () => {
    fc.assert(
      fc.property(group, fc.integer({ min: 1, max: 8 }), (x, bits) => {
        const [{ data: y }] = evaluateOp("quantise", [tensor(x, [1, x.length])], {
          bits,
          clip: 25,
          leading: 1,
        });
        const c = x.map((value) => Math.min(Math.max(value, -25), 25));
        const [low, high] = [Math.min(...c), Math.max(...c)];
        const step = (high - low) / (2 ** bits - 1);
        expect(new Set(y).size).toBeLessThanOrEqual(2 ** bits);
        expect(Math.min(...y)).toBe(low + 0);
        expect(Math.max(...y)).toBeCloseTo(high, 4);
        c.forEach((value, i) => {
          expect(Math.abs(y[i] - value)).toBeLessThanOrEqual(step / 2 + 1e-5);
        });
      }),
    );
  });

  it("leaves a constant as it is, and turns NaN and infinities into the clip", () => {
    const attrs = { bits: 4, clip: 25, leading: 1 };
    const of = (x: number[]) => [
      ...evaluateOp("quantise", [tensor(x, [1, x.length])], attrs)[0].data,
    ];
    expect(of([0.3, 0.3, 0.3])).toEqual([0.3, 0.3, 0.3].map(f));
    expect(of([-0, 0])).toEqual([0, 0]);
    expect(of([Number.NaN, 1 / 0, -1 / 0])).toEqual([25, 25, -25]);
  });
});

test("bits, clip, groups and shape are checked", () => {
  const shape = (attrs: object) => () =>
    inferShape("quantise", [[2, 3]], { bits: 8, clip: 25, leading: 1, ...attrs });
  expect(shape({})()).toEqual([2, 3]);
  expect(shape({ bits: 0 })).toThrow("bits 0: must be a whole number from 1 to 16");
  expect(shape({ bits: 17 })).toThrow("bits 17");
  expect(shape({ clip: 0 })).toThrow("clip 0: must be a positive float32");
  expect(shape({ clip: 0.1 })).toThrow("clip 0.1");
  expect(shape({ leading: 3 })).toThrow("leading 3: must be 1 or 2");
  expect(shape({ leading: 2 })).toThrow("[2,3] has no dimensions behind the first 2");
});

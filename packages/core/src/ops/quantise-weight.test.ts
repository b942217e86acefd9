import { describe, expect, it } from "vitest";
import { evaluateOp, inferShape, tensor } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";
import { quantiseWeight } from "./quantise-weight.js";

const f = Math.fround;

/** One output channel by the published text: divide by 2 mean|w|, quantise each group, multiply. */
function plainRow(row: readonly number[], groupLength: number, bits: number): number[] {
  const s = 2 * f(row.reduce((sum, w) => sum + Math.abs(w), 0) / row.length);
  const top = 2 ** bits - 1;
  return row.flatMap((_, start) => {
    if (start % groupLength) return [];
    const x = row.slice(start, start + groupLength).map((w) => f(f(w) / s));
    const low = Math.min(...x);
    const range = f(f(Math.max(...x) - low) + f(1e-8));
    return x.map((value) => {
      const at = f(f(f(value - low) / range) * top);
      const code = Math.abs(at % 1) === 0.5 ? 2 * Math.round(at / 2) : Math.round(at);
      return f(f(f(f(code / top) * range) + low) * s);
    });
  });
}

describe("quantise-weight", () => {
  it.each([
    ["a row per output channel", [5, 8, 1, 1], 1, 4],
    ["a row per class", [6, 20], 1, 8],
    ["a kernel plane", [4, 3, 3, 3], 2, 8],
    ["one element per group", [4, 3, 1, 1], 2, 8],
  ])("quantises %s", async (_, shape, leading, bits) => {
    const attrs = { bits, clip: 1000, leading };
    const { inputs, outputs } = await checkOp({
      op: "quantise-weight",
      attrs,
      inputs: [shape],
      estimated: [0],
      domain: { low: -0.2, high: 0.3 },
    });
    const w = [...inputs[0].data];
    const length = w.length / shape[0];
    const groupLength = shape.slice(leading).reduce((n, dim) => n * dim, 1);
    const rows = Array.from({ length: shape[0] }, (_, o) =>
      plainRow(w.slice(o * length, (o + 1) * length), groupLength, bits),
    );
    expect([...outputs[0].data]).toEqual(rows.flat());
  });

  it("has no gradient at and beyond the clip", async () => {
    // mean|w| = 1.6: the clip of 2 lies at 6.4
    const w = tensor([6.4, 0, 0, 0], [1, 4]);
    const attrs = { bits: 8, clip: 2, leading: 1 };
    const { gradients, gradOutputs } = await checkOp({
      op: "quantise-weight",
      attrs,
      inputs: [w],
      estimated: [0],
    });
    const g = [...gradOutputs[0]!.data];
    expect([...gradients[0]!.data]).toEqual([0, g[1], g[2], g[3]]);
  });

  it("leaves an output channel of zeros at zero", () => {
    const w = tensor([0, 0, 0, 1, -2, 3], [2, 3]);
    const [{ data }] = evaluateOp("quantise-weight", [w], { bits: 8, clip: 25, leading: 1 });
    expect([...data.subarray(0, 3)]).toEqual([0, 0, 0]);
    expect(data[4]).toBeCloseTo(-2, 5);
  });

  it("gives codes that make the values again", () => {
    const w = Float32Array.from({ length: 36 }, (_, i) => Math.sin(i * i));
    const { codes, lows, ranges, scales, values } = quantiseWeight(w, [2, 2, 3, 3], {
      bits: 4,
      clip: 1000,
      leading: 2,
    });
    expect(Math.max(...codes)).toBe(15);
    values.forEach((value, i) => {
      const [group, out] = [Math.floor(i / 9), Math.floor(i / 18)];
      const x = f(f(f(codes[i] / 15) * ranges[group]) + lows[group]);
      expect(f(x * scales[out])).toBe(value);
    });
  });

  it.each([
    [[5, 6], 8],
    [[3, 4, 1, 1], 4],
    [[4, 1, 3, 3], 8],
  ])("on multiples of the largest weight: %j, %i bits", async (shape, bits) => {
    const attrs = { bits, clip: 1, leading: 1, symmetric: true } as const;
    const { inputs, outputs, gradients, gradOutputs } = await checkOp({
      ...{ op: "quantise-weight", attrs, inputs: [shape], estimated: [0] },
      domain: { low: -0.2, high: 0.3 },
    });
    const w = [...inputs[0].data];
    const [length, levels] = [w.length / shape[0], 2 ** (bits - 1) - 1];
    w.forEach((value, i) => {
      const row = w.slice(i - (i % length), i - (i % length) + length);
      const step = Math.max(...row.map(Math.abs)) / levels;
      expect(outputs[0].data[i]).toBeCloseTo(Math.round(value / step) * step, 6);
    });
    expect([...gradients[0]!.data]).toEqual([...gradOutputs[0]!.data]);
  });

  it("refuses a symmetric grid of other groups or clips", () => {
    const attrs = { bits: 4, clip: 1, leading: 1, symmetric: true };
    for (const wrong of [{ leading: 2 }, { clip: 2 }, { bits: 1 }]) {
      expect(() => inferShape("quantise-weight", [[2, 3, 3, 3]], { ...attrs, ...wrong })).toThrow(
        /a symmetric grid wants 2 bits or more, clip 1 and leading 1/,
      );
    }
  });
});

import { expect, it } from "vitest";
import { GraphBuilder } from "../graph/builder.js";
import { evaluate } from "../graph/evaluate.js";
import { type Shape, sizeOf, type Tensor } from "../graph/types.js";
import { channelMeans, dprelu, type Grid, onGrid } from "./poke-layers.js";
import { ternaryDepthwise } from "./ternary-conv.js";

type Build = (b: GraphBuilder, x: string) => string;

function run(build: Build, x: Tensor, tensors: { [key: string]: Tensor } = {}): number[] {
  const b = new GraphBuilder("layer");
  b.output("y", build(b, b.input("x", x.shape)));
  return [...evaluate(b.build(), { x }, tensors, { precision: 64 }).outputs.y.data];
}

const wave = (shape: Shape, step = 0.7): Tensor => ({
  shape,
  data: Float64Array.from({ length: sizeOf(shape) }, (_, i) => 3.5 * Math.sin(step * i + 0.1)),
});

it("DPReLU has a slope on either side of its shift", () => {
  const entries: { [entry: string]: number[] } = {
    ...{ bias_x: [0.5, -1], bias_y: [0.25, 2], neg_slope: [0.1, -0.5], pos_slope: [2, 0] },
  };
  const tensors = Object.fromEntries(
    Object.entries(entries).map(([name, data]) => [
      `d.${name}`,
      { shape: [1, 2, 1, 1], data: Float64Array.from(data) },
    ]),
  );
  const x = wave([1, 2, 3, 3]);
  const expected = [...x.data].map((value, i) => {
    const [bx, by, negative, positive] = Object.values(entries).map((list) => list[i < 9 ? 0 : 1]);
    const moved = value - bx;
    return moved * (moved > 0 ? positive : negative) - by;
  });
  run((b, u) => dprelu(b, "d", u), x, tensors).forEach((y, i) => {
    expect(y).toBeCloseTo(expected[i], 12);
  });
});

it.each([
  [12, 3],
  [12, 4],
  [14, 4],
  [7, 5],
  [6, 6],
])("means of neighbours make %i channels %i", (channels, out) => {
  const x = wave([2, channels, 2, 1]);
  const each = Math.floor(channels / out);
  const expected = Array.from({ length: 2 * out * 2 }, (_, i) => {
    const [image, o, row] = [Math.floor(i / (2 * out)), Math.floor(i / 2) % out, i % 2];
    const group = Array.from(
      { length: each },
      (_, k) => x.data[(image * channels + o * each + k) * 2 + row],
    );
    return group.reduce((sum, value) => sum + value, 0) / each;
  });
  run((b, u) => channelMeans(b, "m", u, out), x).forEach((y, i) => {
    expect(y).toBeCloseTo(expected[i], 12);
  });
});

/** AQT's, one number after the other: signed ones rounded, positive ones rounded down. */
function plain(x: number, { bits, input }: Grid): number {
  if (input === "positive") {
    const code = Math.min(Math.max(Math.floor((x * 2 ** bits) / 3), 0), 2 ** bits - 1);
    return (code * 3) / 2 ** bits;
  }
  const levels = 2 ** (bits - 1) - 1;
  const scaled = Math.min(Math.max((x * levels) / 3, -levels), levels);
  return (Math.floor(scaled + 0.5) * 3) / levels;
}

it.each<Grid>([
  { bits: 4, input: "signed" },
  { bits: 8, input: "signed" },
  { bits: 4, input: "positive" },
])("a grid of $bits bits, $input", (grid) => {
  const x = wave([1, 200], 0.37);
  const y = run((b, u) => onGrid(b, "g", u, grid), x);
  y.forEach((value, i) => {
    expect(value).toBeCloseTo(plain(x.data[i], grid), 12);
  });
  expect(new Set(y.map((value) => value.toFixed(6))).size).toBeLessThanOrEqual(2 ** grid.bits);
  expect(
    run((b, u) => onGrid(b, "g", u, grid), { shape: [1, 1], data: Float64Array.of(0) }),
  ).toEqual([0]);
});

it("ternary weights are two planes of bits", () => {
  const x: Tensor = {
    ...wave([1, 3, 4, 5]),
    data: wave([1, 3, 4, 5]).data.map((v) => (v > 0 ? 1 : -1)),
  };
  const weight = wave([3, 1, 3, 3], 1.3);
  const w = weight.data.map((v) => v / 8);
  const build: Build = (b, u) => ternaryDepthwise(b, "t", u, { stride: 1, form: "binary" });
  const y = run(build, x, { "t.weight": { ...weight, data: w } });
  const ternary = [0, 1, 2].flatMap((c) => {
    const own = [...w.subarray(9 * c, 9 * c + 9)];
    const mean = own.reduce((sum, v) => sum + Math.abs(v), 0) / 9;
    return own.map((v) => (Math.abs(v) <= 0.7 * mean ? 0 : mean * Math.sign(v)));
  });
  expect(new Set(ternary.map(Math.sign))).toEqual(new Set([-1, 0, 1]));
  const expected = y.map((_, i) => {
    const [c, row, column] = [Math.floor(i / 20), Math.floor(i / 5) % 4, i % 5];
    let sum = 0;
    for (let ky = 0; ky < 3; ky++)
      for (let kx = 0; kx < 3; kx++) {
        const [iy, ix] = [row + ky - 1, column + kx - 1];
        if (iy >= 0 && iy < 4 && ix >= 0 && ix < 5)
          sum += x.data[c * 20 + iy * 5 + ix] * ternary[9 * c + 3 * ky + kx];
      }
    return sum;
  });
  y.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i], 12);
  });
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { GraphBuilder } from "../graph/builder.js";
import { evaluate } from "../graph/evaluate.js";
import type { Graph, Tensor } from "../graph/types.js";
import { toOnnx } from "../onnx/to-onnx.js";
import { expectClose } from "../test-support/close.js";
import { drawTensor, randomStream } from "../test-support/draw.js";
import { evaluateOp, inferShape } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";
import { convCase } from "../test-support/random-conv.js";
import { runOnnx } from "../test-support/run-onnx.js";
import { convShape } from "./conv-geometry.js";
import { chunkSizes } from "./weight-gradient-lowering.js";

test.each([
  { x: [4, 3, 5, 6], weightShape: [4, 3, 3, 3], padding: [1, 1] },
  { x: [4, 3, 5, 6], weightShape: [4, 3, 1, 1] },
  { x: [4, 3, 5, 6], weightShape: [2, 3, 2, 4], padding: [1, 2], padValue: 1 },
  { x: [3, 4, 8, 6], weightShape: [6, 4, 3, 3], padding: [1, 1], stride: [2, 2] },
  { x: [3, 4, 7, 5], weightShape: [6, 4, 3, 3], padding: [1, 1], stride: [2, 2], padValue: -1 },
  { x: [2, 4, 7, 5], weightShape: [6, 2, 3, 3], padding: [1, 1], stride: [2, 1], groups: 2 },
  { x: [2, 2, 4, 5], weightShape: [3, 2, 1, 1], padding: [1, 1] },
])("conv-weight-gradient of $x to $weightShape", async ({ x, ...given }) => {
  const attrs = { stride: [1, 1], padding: [0, 0], groups: 1, ...given } as const;
  await checkOp({
    op: "conv-weight-gradient",
    attrs,
    inputs: [x, convShape(x, attrs.weightShape, attrs as never)],
    differentiable: [0, 1],
  });
});

test("conv-weight-gradient is the adjoint of conv: <conv(x, w), g> = <w, dw>", () => {
  const property = fc.property(convCase, fc.integer(), ({ x, w, attrs }, seed) => {
    const random = randomStream(seed);
    const draw = (shape: readonly number[]) => drawTensor(shape, { low: -1, high: 1 }, random);
    const [image, weight] = [draw(x), draw(w)];
    const [y] = evaluateOp("conv", [image, weight], attrs);
    const g = draw(y.shape);
    const [dw] = evaluateOp("conv-weight-gradient", [image, g], { ...attrs, weightShape: w });
    expect(dot(dw.data, weight.data)).toBeCloseTo(dot(y.data, g.data), 9);
  });
  fc.assert(property, { numRuns: 100 });
});

test("conv-weight-gradient: random geometries in ONNX Runtime, every form", async () => {
  const property = fc.asyncProperty(convCase, fc.integer(), async ({ x, w, attrs }, seed) => {
    const graph = weightGradientGraph(x, w, attrs);
    await compareWithOracle(graph, seed);
  });
  const cancelling = { x: [2, 1, 5, 4], w: [1, 1, 1, 1] } as const;
  const attrs = { stride: [2, 1], padding: [0, 1], groups: 1 } as const;
  await fc.assert(property, { numRuns: 60, examples: [[{ ...cancelling, attrs }, 1216680742]] });
});

test.each([
  ["stride 1, one image per product, in two chunks", [72, 32, 32, 32], [32, 32, 3, 3], 1],
  ["stride 1, several images per product", [33, 96, 8, 8], [160, 96, 3, 3], 1],
  ["stride 2", [34, 64, 16, 16], [96, 64, 3, 3], 2],
  ["1x1, small maps", [50, 64, 4, 4], [80, 64, 1, 1], 1],
] as const)("conv-weight-gradient at training size: %s", async (_, x, w, stride) => {
  const padding = w[2] > 1 ? 1 : 0;
  const geometry = { stride: [stride, stride], padding: [padding, padding], groups: 1 } as const;
  const graph = weightGradientGraph(x, w, geometry);
  const random = randomStream(3);
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, shape }) => [name, drawTensor(shape, { low: -1, high: 1 }, random)]),
  );
  const [portable, cpu] = await Promise.all(
    (["portable", "cpu"] as const).map((target) => runOnnx(toOnnx(graph, { target }), feeds)),
  );
  expectClose(cpu.dw.data, portable.dw.data, 1e-5, "cpu form against the portable one");
});

test("chunks are near-equal, within the limit and cover the batch", () => {
  expect(chunkSizes(64, 30)).toEqual([21, 21, 22]);
  expect(chunkSizes(64, 64)).toEqual([64]);
  expect(chunkSizes(3, 0)).toEqual([1, 1, 1]);
});

test("conv-weight-gradient: refuses a gradient of the wrong shape", () => {
  const shapes = [
    [1, 3, 6, 6],
    [1, 4, 5, 5],
  ];
  const attrs = { stride: [1, 1], padding: [1, 1], groups: 1, weightShape: [4, 3, 3, 3] };
  const message = "gradient must be [1,4,6,6], is [1,4,5,5]";
  expect(() => inferShape("conv-weight-gradient", shapes, attrs)).toThrow(message);
});

type Geometry = Parameters<typeof convShape>[2];

function weightGradientGraph(
  x: readonly number[],
  w: readonly number[],
  geometry: Geometry,
): Graph {
  const b = new GraphBuilder("weight-gradient");
  const inputs = [b.input("x", x), b.input("g", convShape(x, w, geometry))];
  b.output("dw", b.op("conv-weight-gradient", inputs, { ...geometry, weightShape: w }));
  return b.build();
}

async function compareWithOracle(graph: Graph, seed: number): Promise<void> {
  const random = randomStream(seed);
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, shape }) => [name, drawTensor(shape, { low: -1, high: 1 }, random)]),
  );
  const expected = evaluate(graph, feeds, {}).outputs.dw;
  const sizes = evaluate(graph, mapped(feeds, Math.abs), {}).outputs.dw;
  const [batch, , height, width] = feeds.g.shape;
  // Of a sum in float32, in any order; where its terms cancel, the sum itself says nothing of that.
  const rounding = (batch * height * width + 2) * 2 ** -24;
  for (const target of ["cpu", "portable"] as const) {
    const { dw } = await runOnnx(toOnnx(graph, { target }), feeds);
    expected.data.forEach((value, i) => {
      const error = Math.abs(dw.data[i] - value);
      expect(error, `${target}, element ${i}`).toBeLessThanOrEqual(rounding * sizes.data[i]);
    });
  }
}

function mapped(feeds: Readonly<Record<string, Tensor>>, f: (x: number) => number) {
  const entries = Object.entries(feeds).map(([name, { shape, data }]) => [
    name,
    { shape, data: data.map(f) },
  ]);
  return Object.fromEntries(entries) as Record<string, Tensor>;
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

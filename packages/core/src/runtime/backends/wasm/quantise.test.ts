import { describe, expect, it } from "vitest";
import { evaluate } from "../../../graph/evaluate.js";
import { GraphBuilder } from "../../../graph/index.js";
import type { Program, QuantiseStep } from "../../../program/types.js";
import { channelsLast } from "../../../test-support/compare-packed.js";
import { randomStream } from "../../../test-support/draw.js";
import { expectSameFloats, type Shape, value } from "../../../test-support/packed-step.js";
import type { Backend } from "../../backend.js";
import { reference } from "../reference/index.js";
import { wasm } from "./index.js";

type Quantiser = Pick<QuantiseStep, "bits" | "clip" | "group">;

/** x -> relu -> quantise -> scaled; a vector where it has one pixel. */
function program(shape: Shape, quantiser: Quantiser): Program {
  const kind = shape[0] * shape[1] === 1 ? "vector" : "map";
  const base = { covers: [] };
  return {
    values: [value("x", "map", shape), value("relu", kind, shape), value("y", kind, shape)],
    input: 0,
    steps: [
      {
        kind: "pointwise",
        ...base,
        input: 0,
        epilogue: [
          ["clamp", 0, -3, 9],
          ["store", 1, 1, 0],
        ],
      },
      { kind: "quantise", ...base, ...quantiser, input: 1, epilogue: [["store", 0, 2, 0]] },
    ],
    outputs: { y: 2 },
  };
}

async function run(backend: Backend, shape: Shape, quantiser: Quantiser, image: Float32Array) {
  const executable = await backend.compile(program(shape, quantiser), {}, { threads: 1 });
  const { y } = await executable.run(image, 1);
  executable.dispose();
  return y;
}

/** The same by the graph's op, whose test has a loop of its own. */
function byGraph([h, w, c]: Shape, { bits, clip, group }: Quantiser, planes: Float32Array) {
  const b = new GraphBuilder("quantise");
  const x = b.op("clamp", [b.input("x", [1, c, h, w])], { low: -3, high: 9, when: "always" });
  const leading = group === "image" ? 1 : 2;
  b.output("y", b.op("quantise", [x], { bits, clip, leading }));
  const { y } = evaluate(b.build(), { x: { shape: [1, c, h, w], data: planes } }, {}).outputs;
  return channelsLast(y);
}

describe("quantise", () => {
  it("gives the bits of the graph's op on the reference and on wasm", async () => {
    const random = randomStream(3);
    const int = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
    for (let n = 0; n < 300; n++) {
      const pixels = random() < 0.4 ? ([1, 1] as const) : ([int(1, 40), int(1, 9)] as const);
      const shape: Shape = [...pixels, int(1, 70)];
      const [h, w, c] = shape;
      const group = random() < 0.5 ? "image" : "channel";
      const quantiser = { bits: int(1, 16), clip: [0.5, 25, 1000][int(0, 2)], group } as const;
      const special = [0, -0, 0.5, -3, 100, Number.NaN];
      const draw = () => (random() < 0.1 ? special[int(0, 5)] : 8 * random() - 3);
      const planes = Float32Array.from({ length: h * w * c }, draw);
      const image = channelsLast({ shape: [1, c, h, w], data: planes });
      const expected = await run(reference, shape, quantiser, image);
      const label = `[${shape}] ${JSON.stringify(quantiser)}`;
      expectSameFloats(await run(wasm, shape, quantiser, image), expected, label);
      if (planes.some(Number.isNaN)) continue;
      expectSameFloats(expected, byGraph(shape, quantiser, planes), label);
    }
  });

  it("has at most 2^bits values per group", async () => {
    const shape: Shape = [9, 7, 5];
    const image = Float32Array.from({ length: 315 }, (_, i) => Math.sin(i));
    const y = await run(wasm, shape, { bits: 2, clip: 25, group: "channel" }, image);
    for (let c = 0; c < 5; c++) {
      expect(new Set(y.filter((_, i) => i % 5 === c)).size).toBe(4);
    }
  });
});

import { expect, it } from "vitest";
import { GraphBuilder, rebatch } from "../graph/index.js";
import { buildModel } from "../models/index.js";
import { predictTrainingMemory } from "./memory.js";

function builder() {
  const b = new GraphBuilder("memory");
  const x = b.input("x", [1, 10]);
  return { b, x };
}

it("frees a value after its last use", () => {
  const { b, x } = builder();
  let y = x;
  for (let i = 0; i < 5; i++) y = b.op("exp", [y], {}, `y${i}`);
  b.output("y", y);
  // x, what is read and what is written
  expect(predictTrainingMemory(b.build())).toEqual({
    values: 120,
    state: 0,
    total: 120,
    peak: "y1",
  });
});

it("keeps what a later node or an output still needs", () => {
  const { b, x } = builder();
  const first = b.op("exp", [x], {}, "first");
  const second = b.op("exp", [first], {}, "second");
  const third = b.op("exp", [second], {}, "third");
  b.output("sum", b.op("add", [third, first], {}, "sum"));
  b.output("second", second);
  expect(predictTrainingMemory(b.build())).toMatchObject({ values: 4 * 50, peak: "sum" });
});

it("gives views no memory of their own, and keeps what they look at", () => {
  const { b, x } = builder();
  const y = b.op("exp", [x], {}, "y");
  const view = b.op("reshape", [y], { shape: [10, 1] }, "view");
  const z = b.op("exp", [view], {}, "z");
  const last = b.op("exp", [z], {}, "last");
  b.output("sum", b.op("add", [last, view], {}, "sum"));
  // x, y (through its view), z, last at "last"; then x, y, last, sum ([10, 1] each)
  expect(predictTrainingMemory(b.build())).toMatchObject({ values: 4 * 40 });
});

it("holds booleans in one byte", () => {
  const { b, x } = builder();
  const mask = b.op("greater", [x, x], {}, "mask");
  b.output("y", b.op("where", [mask, x, x], {}, "y"));
  expect(predictTrainingMemory(b.build()).values).toBe(40 + 10 + 40);
});

it("adds copies of the parameters, and the running statistics once", () => {
  const graph = buildModel("linear", { classes: 3, input: [1, 2, 2] });
  expect(predictTrainingMemory(graph).state).toBe(3 * 4 * 15);
  expect(predictTrainingMemory(graph, { stateCopies: 4 }).state).toBe(4 * 4 * 15);
  const statistics = Object.values(buildModel("bnext-nano").tensors).filter(
    (t) => t.kind === "buffer",
  );
  const buffers = statistics.reduce((sum, { shape }) => sum + 4 * shape[0], 0);
  expect(predictTrainingMemory(buildModel("bnext-nano"), { stateCopies: 0 }).state).toBe(buffers);
});

it("is proportional to the batch in its values", () => {
  const graph = buildModel("reactnet-nano");
  const [small, large] = [16, 64].map(
    (batch) => predictTrainingMemory(rebatch(graph, batch)).values,
  );
  expect(large / small).toBeGreaterThan(3.5);
  expect(large / small).toBeLessThan(4);
});

import { expect, it } from "vitest";
import { classOrder, inOrder } from "./class-order.js";

const order = (a: string[] | undefined, b: string[] | undefined) =>
  classOrder({ path: "A", scores: { labels: a } }, { path: "B", scores: { labels: b } });

it("goes by names where both have them", () => {
  const found = order(["x", "y", "z"], ["z", "x", "y"]);
  expect(found.notes).toEqual(["B has the classes of A in another order: compared by name"]);
  expect([...inOrder(Float32Array.of(30, 10, 20), found)]).toEqual([10, 20, 30]);
  expect(order(["x", "y"], ["x", "y"])).toEqual({ notes: [] });
});

it("goes by position where one has none, and says so", () => {
  const found = order(["x", "y"], undefined);
  expect(found).toEqual({ notes: ["B names no classes: they are compared by position"] });
  expect(order(["0", "1"], ["x", "y"]).notes).toEqual([
    "A names no classes: they are compared by position",
  ]);
  expect(order(undefined, ["0", "1"])).toEqual({ notes: [] });
  expect([...inOrder(Float32Array.of(1, 2), found)]).toEqual([1, 2]);
});

it("takes assumed names for none where the other has quite other ones", () => {
  const found = (labels: string[]) =>
    classOrder(
      { path: "A", scores: { labels: ["x", "y"] } },
      { path: "B", scores: { labels, labelsAssumed: true } },
    );
  expect(found(["p", "q"]).notes).toEqual(["B names no classes: they are compared by position"]);
  expect(found(["y", "x"]).numbers).toEqual([1, 0]);
  expect(() => found(["x", "q"])).toThrow(/only A has "y", only B "q"/);
});

it("refuses other names", () => {
  expect(() => order(["x", "y"], ["x", "q"])).toThrow(/only A has "y", only B "q"/);
});

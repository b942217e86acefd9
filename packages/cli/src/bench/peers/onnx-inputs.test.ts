import { expect, it } from "vitest";
import { feedsFor } from "./onnx-inputs.js";

it("makes every input from its metadata, an open first dimension being the batch", () => {
  const feeds = feedsFor(
    "m.onnx",
    [
      { name: "image", type: "float32", shape: ["N", 3, 4, 5] },
      { name: "pixels", type: "uint8", shape: [2, 7] },
      { name: "ids", type: "int64", shape: [2, 3] },
      { name: "scale", type: "float32", shape: [] },
    ],
    2,
  );
  expect(feeds.image).toMatchObject({ type: "float32", dims: [2, 3, 4, 5] });
  expect(feeds.image.data).toHaveLength(120);
  expect(feeds.pixels.data).toBeInstanceOf(Uint8Array);
  expect(feeds.ids.data).toEqual(new BigInt64Array(6));
  expect(feeds.scale.data).toHaveLength(1);
});

it("gives halves between 0.5 and 1 in size", () => {
  const { x } = feedsFor("m.onnx", [{ name: "x", type: "float16", shape: [1, 50] }], 1);
  for (const half of x.data) {
    const exponent = (Number(half) >> 10) & 31;
    expect(2 ** (exponent - 15) * (1 + (Number(half) & 1023) / 1024)).toBeGreaterThanOrEqual(0.5);
    expect(exponent).toBe(14);
  }
});

it.each([
  [
    "an open size",
    ["N", 3, "H", "W"],
    "float32",
    1,
    /m\.onnx: input "x" .*only the batch may be open/,
  ],
  ["another batch", [1, 3, 8, 8], "float32", 4, /--batch 4 does not fit/],
  ["text", [1], "string", 1, /of type string: bench can make float32/],
])("refuses %s", (_, shape, type, batch, message) => {
  expect(() => feedsFor("m.onnx", [{ name: "x", type, shape }], batch)).toThrow(message);
});

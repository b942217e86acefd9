import { expect, it } from "vitest";
import { featureMaps } from "./feature-maps.js";

const layer = { kind: "sign", name: "s", input: "x", shifted: "t" } as const;

it("shifts the distribution, not the threshold, by half of its deviation", () => {
  // Deviation 2 around 1; the second channel is flat, the third varies less than the first.
  const map = Float32Array.of(-2, 4, 1, 1, 0, 2);
  const [deviation] = [Math.sqrt((9 + 9 + 1 + 1) / 6)];
  const threshold = Float32Array.of(3.5, 0, 0.5);
  const { shift, channels } = featureMaps({ ...layer, threshold }, map, [3, 1, 2], 2);
  expect(shift).toBeCloseTo(deviation / 2, 6);
  expect(channels.map(({ channel }) => channel)).toEqual([0, 2]);
  const [first, third] = channels;
  expect([...first.real.data]).toEqual([0, 255]);
  const signs = (maps: typeof first) =>
    [maps.down, maps.asIs, maps.up].map(({ data }) => [...data]);
  expect(signs(first)).toEqual([
    [0, 0],
    [0, 255],
    [0, 255],
  ]);
  expect(signs(third)).toEqual([
    [0, 255],
    [0, 255],
    [255, 255],
  ]);
});

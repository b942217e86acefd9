import fc from "fast-check";
import { expect, it } from "vitest";
import { parsePreprocess } from "./parse-preprocess.js";
import { type Preprocess, preprocess } from "./preprocess.js";
import { preprocessAt } from "./preprocess-at.js";

const imagenet: Preprocess = {
  ...{ size: [224, 224], channels: 3, resize: 256, crop: "center", interpolation: "bilinear" },
  ...{ mean: [0, 0, 0], std: [1, 1, 1] },
};

it("keeps the crop's share of the resized image", () => {
  expect(preprocessAt(imagenet, [224, 224])).toBe(imagenet);
  expect(preprocessAt(imagenet, [112, 112])).toMatchObject({ size: [112, 112], resize: 128 });
  expect(preprocessAt(imagenet, [64, 96])).toMatchObject({ size: [64, 96], resize: 110 });
  const pair: Preprocess = { ...imagenet, resize: [256, 320] };
  expect(preprocessAt(pair, [112, 448])).toMatchObject({ size: [112, 448], resize: [128, 640] });
  const stretched: Preprocess = { ...imagenet, crop: "none", resize: [224, 224] };
  expect(preprocessAt(stretched, [20, 30])).toMatchObject({ size: [20, 30], resize: [20, 30] });
});

it("gives images of the size that was asked for, whatever the photograph", () => {
  const side = fc.integer({ min: 1, max: 40 });
  const photo = { width: 37, height: 23, channels: 3, data: new Uint8Array(37 * 23 * 3) };
  fc.assert(
    fc.property(side, side, side, side, fc.constantFrom("center", "none"), (h, w, h2, w2, crop) => {
      const resize: Preprocess["resize"] = crop === "none" ? [h, w] : Math.max(h, w);
      const how = preprocessAt({ ...imagenet, size: [h, w], resize, crop }, [h2, w2]);
      expect(parsePreprocess(how)).toEqual(how);
      expect(preprocess(photo, how)).toHaveLength(3 * h2 * w2);
    }),
  );
});

import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { fit, type Preprocess } from "onebit/image";
import { decodeImage } from "onebit/images";
import { expect, it } from "vitest";
import { shared } from "../../../core/src/test-support/shared.js";

/** Which photographs lie where in `bnext-t.npy`, [8, 3, 224, 224]; the others are not among the samples. */
const PHOTOGRAPHS: readonly [index: number, name: string][] = [
  [0, "n04311174_steel_drum"],
  [1, "n03388549_four-poster"],
  [3, "n04081281_restaurant"],
  [5, "n07717556_butternut_squash"],
  [6, "n04367480_swab"],
  [7, "n03495258_harp"],
];

it("evaluated photographs are those of Pillow: decoded, resized to 256 and cropped", async () => {
  const photographs = shared("data/imagenet-samples/images");
  const packed = shared("data/imagenet-samples/pixels/bnext-t.npy.xz");
  if (!photographs || !packed) return;
  if (spawnSync("xz", ["--version"]).error) {
    console.log("skipped: the program xz is not here");
    return;
  }
  const file = execFileSync("xz", ["-dc", packed], { maxBuffer: 2e6 });
  const stride = 3 * 224 * 224;
  const pixels = file.subarray(file.length - 8 * stride);
  const preprocess: Preprocess = {
    ...{ size: [224, 224], channels: 3, resize: 256, crop: "center", interpolation: "bicubic" },
    ...{ mean: [0, 0, 0], std: [1, 1, 1] },
  };
  for (const [index, name] of PHOTOGRAPHS) {
    const { data } = fit(await decodeImage(join(photographs, `${name}.JPEG`)), preprocess);
    let sum = 0;
    for (let c = 0; c < 3; c++) {
      const plane = index * stride + c * 224 * 224;
      for (let i = 0; i < 224 * 224; i++) sum += Math.abs(data[3 * i + c] - pixels[plane + i]);
    }
    expect(sum / stride, name).toBeLessThan(1);
  }
});

import { crc32 } from "node:zlib";
import type { Interpolation } from "onebit/image";
import { describe, expect, it } from "vitest";
import { imageOf } from "../../test-support/augmented.js";
import type { RawImage } from "../split.js";
import { type Affine, rotation, shearX, shearY, transform, translate } from "./affine.js";
import { brightness, contrast, saturation, sharpness } from "./enhance.js";
import { shiftHue } from "./hue.js";
import { autoContrast, equalize, invert, posterize, solarize } from "./tones.js";

/**
 * Checksums of what Pillow 12.3 makes of the four images below: ImageOps, ImageEnhance, Image.transform and
 * Image.rotate with fillcolor (124, 116, 104), 73 for grey; hue as torchvision shifts it in "HSV".
 */
const PILLOW: readonly [operation: string, checksums: string][] = [
  ["invert", "c6e4abcd a036a12b 68043cfb 51bcb62e"],
  ["autoContrast", "da4656b7 3308b9a7 b267cda9 c5c6c4ae"],
  ["equalize", "ce7c6291 83134a0c 308420ec 8a4e24fb"],
  ["solarize 90", "4933b17b 5acb61ca 05620d1b 40fc50ab"],
  ["posterize 3", "a804fcf9 d8fc39e4 fa9e71c8 0a9c1d50"],
  ["brightness 0.37", "5560feaa 60703d33 7ac7f323 362ac8a7"],
  ["brightness 1.63", "cb46792a 0f3e76d4 68a3c860 1cf1c4b6"],
  ["contrast 0.37", "db23d617 d68039d6 216d78c6 192081eb"],
  ["contrast 1.63", "25c54b1c 0d4809ad de0b35f4 fbef66b5"],
  ["saturation 0.37", "7e455a9f 53088c52 97de6221 7299b612"],
  ["saturation 1.63", "34ea6490 53088c52 bb658d3b 6cb4bcdd"],
  ["sharpness 0.37", "cf3c05a3 3ed6e056 79e0334e 681c29a1"],
  ["sharpness 1.63", "89b7fc5d ce7889b2 5b38a0e9 acd18e53"],
  ["shearX 0.21 bilinear", "05558524 c7f3325a 5b005562 a6a6da36"],
  ["shearY -0.3 bilinear", "471172dc f4464290 5dc8b70e 2d090e5d"],
  ["translateX 2.7 bilinear", "46641bd5 c3842505 60766e0d 68476867"],
  ["translateY -3.15 bilinear", "45ce44a3 b294bc06 98107f3c e12e30ce"],
  ["rotate 21 bilinear", "d41940e4 45124b54 bf2631cd 2432eb7f"],
  ["rotate -13.5 bilinear", "4a73da25 b0f76d7d cdca0f7d a180e15b"],
  ["shearX 0.21 bicubic", "8cc28c26 bef749bd 3f5308e4 369794ae"],
  ["shearY -0.3 bicubic", "c403a0e1 acabea41 37aaed22 7eed5209"],
  ["translateX 2.7 bicubic", "74c66cba 4acd261d c7b682df ce2671c4"],
  ["translateY -3.15 bicubic", "c6fcfd41 7529c4fa 8289187b 9cd37734"],
  ["rotate 21 bicubic", "83b4cf05 ca8b2f37 2f11a208 31b3e24c"],
  ["rotate -13.5 bicubic", "cc0dbaaf a48d4a4e ae6b146c f6fa5964"],
  ["hue 0.1", "4d5faede 53088c52 54bcaf42 a273aa88"],
  ["hue -0.37", "13c18e68 53088c52 8cf6fa41 32830728"],
  ["hue 0", "9a0b961f 53088c52 7047a675 0d00f186"],
];

const restless = (x: number, y: number, c: number) =>
  x * 37 + y * 91 + c * 53 + ((x * y) % 17) * 11;
const calm = (x: number, y: number, c: number) =>
  60 + ((x * 5 + y * 3 + c * 20 + ((x * x + y) % 7)) % 120);

const IMAGES = [
  imageOf([9, 7, 3], restless),
  imageOf([16, 16, 1], restless),
  imageOf([32, 32, 3], restless),
  imageOf([24, 20, 3], calm),
];

type Operation = (image: RawImage, by: number, interpolation: Interpolation) => RawImage;

const moved =
  (matrix: (by: number, image: RawImage) => Affine): Operation =>
  (image, by, interpolation) => {
    const fill = image.channels === 3 ? [124, 116, 104] : [73];
    return transform(image, matrix(by, image), interpolation, fill);
  };

const OPERATIONS: { readonly [name: string]: Operation } = {
  ...{ invert, autoContrast, equalize, solarize, posterize },
  ...{ brightness, contrast, saturation, sharpness, hue: shiftHue },
  shearX: moved(shearX),
  shearY: moved(shearY),
  translateX: moved((by) => translate(by, 0)),
  translateY: moved((by) => translate(0, by)),
  rotate: moved(rotation),
};

describe("as Pillow, bit for bit", () => {
  it.each(PILLOW)("%s", (operation, checksums) => {
    const [name, by, interpolation] = operation.split(" ");
    const made = IMAGES.map((image) => {
      const { data } = OPERATIONS[name](image, Number(by), interpolation as Interpolation);
      return crc32(data).toString(16).padStart(8, "0");
    });
    expect(made.join(" ")).toBe(checksums);
  });
});

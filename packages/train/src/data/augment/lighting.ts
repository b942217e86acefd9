import type { RawImage } from "../split.js";
import type { ImageAugmentation } from "./augmentation.js";
import { number } from "./options.js";

/** Principal components of ImageNet's colours: their variances' roots and, by rows, red, green and blue. */
const DEVIATIONS = [0.2175, 0.0188, 0.0045];
const COMPONENTS = [
  [-0.5675, 0.7192, 0.4009],
  [-0.5808, -0.0045, -0.814],
  [-0.5836, -0.6948, 0.4203],
];
/** Red, green and blue in grey. */
const LUMA = [0.299, 0.587, 0.114];

/**
 * Light of another colour: value + 255 Σ_k component[channel][k] · deviation[k] · α_k, α normal with
 * deviation `std`, rounded, cut off to 0 .. 255. Grey is changed as much as the grey of a colour is.
 */
export const lighting: ImageAugmentation<{ std: number }> = {
  of: "image",
  name: "lighting",
  description: "light of another colour, along the principal components of ImageNet's colours",
  source: "AlexNet (NIPS 2012), section 4.1",
  options: { std: number(0.1, 0, 10) },
  bare: ["std"],
  make:
    ({ std }) =>
    (image, random) => {
      const weights = DEVIATIONS.map((deviation) => 255 * deviation * std * random.normal());
      const shifts = COMPONENTS.map((row) => dot(row, weights));
      return shifted(image, image.channels === 1 ? [dot(LUMA, shifts)] : shifts);
    },
};

const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, i) => sum + value * b[i], 0);

function shifted(image: RawImage, shifts: readonly number[]): RawImage {
  const { data, channels } = image;
  const out = new Uint8ClampedArray(data.length);
  for (let c = 0; c < channels; c++) {
    const shift = shifts[c];
    for (let i = c; i < data.length; i += channels) out[i] = data[i] + shift;
  }
  return { ...image, data: new Uint8Array(out.buffer) };
}

import type { Preprocess } from "onebit/image";
import type { MapShape } from "onebit/program";

/** Images that ranges are taken from where no others are given. */
const GENERATED = 16;

/**
 * Bytes [H, W, C] of images that nobody took: black, white, noise, and stains on a ground, dark and bright. They bring
 * a network to numbers about as large as photographs do.
 */
export function generatedImages([height, width, channels]: MapShape): Uint8Array[] {
  return Array.from({ length: GENERATED }, (_, n) => {
    const draw = numbers(n + 1);
    if (n < 2) return new Uint8Array(height * width * channels).fill(255 * n);
    if (n < 4) return Uint8Array.from({ length: height * width * channels }, () => 256 * draw());
    return stains(draw, [height, width, channels]);
  });
}

function stains(draw: () => number, [height, width, channels]: MapShape): Uint8Array {
  const image = new Uint8Array(height * width * channels);
  const colour = () => Array.from({ length: channels }, () => 256 * draw());
  const ground = draw() < 0.5 ? new Array<number>(channels).fill(0) : colour();
  for (let i = 0; i < image.length; i++) image[i] = ground[i % channels];
  for (let n = 0; n < 5; n++) {
    const [y, x] = [draw() * height, draw() * width];
    const [tall, wide] = [(0.1 + draw() / 3) * height, (0.1 + draw() / 3) * width];
    const ink = colour();
    for (let i = 0; i < image.length; i++) {
      const pixel = Math.floor(i / channels);
      const [dy, dx] = [(Math.floor(pixel / width) - y) / tall, ((pixel % width) - x) / wide];
      if (dy * dy + dx * dx < 1) image[i] = ink[i % channels];
    }
  }
  return image;
}

/** From 0 to 1, the same on every machine. */
function numbers(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** (byte / 255 - mean) / std of every byte, for each channel: [C][256]. */
export function normaliseTable({ channels, mean, std }: Preprocess): Float32Array {
  return Float32Array.from({ length: 256 * channels }, (_, i) => {
    const c = i >> 8;
    const unit = Math.fround(Math.fround((i & 255) / 255) - Math.fround(mean[c]));
    return unit / Math.fround(std[c]);
  });
}

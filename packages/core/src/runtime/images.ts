import { UsageError } from "../errors.js";
import { type PixelImage, type Preprocess, preprocess } from "../image/index.js";
import { type BitmapLike, bitmapPixels } from "../platform/bitmap.js";
import type { MapShape } from "../program/geometry.js";
import { toChannelsLast } from "./channels-last.js";

/** 8-bit pixels, interleaved: an ImageData, or any object like it with 1 to 4 channels. */
export interface ImageLike {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** Pixels, or in browsers an ImageBitmap. */
export type ImageInput = ImageLike | BitmapLike;

/** A dense row-major array of float32. */
export interface FloatTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Photographs to one [N, H, W, C] array, as the model's preprocessing says. */
export function prepareImages(images: readonly ImageInput[], how: Preprocess): Float32Array {
  const [height, width] = how.size;
  const size = height * width * how.channels;
  const batch = new Float32Array(images.length * size);
  images.forEach((image, n) => {
    const pixels = "data" in image ? image : bitmapPixels(image);
    const planes = preprocess(withChannels(pixels), how);
    toChannelsLast(planes, [height, width, how.channels], batch.subarray(n * size));
  });
  return batch;
}

function withChannels({ data, width, height }: ImageLike): PixelImage {
  const channels = data.length / (width * height);
  if (Number.isInteger(channels) && channels >= 1 && channels <= 4) {
    return { data, width, height, channels };
  }
  throw new UsageError(
    `image: ${data.length} bytes are not ${width}x${height} pixels of 1 to 4 channels`,
  );
}

/** UsageError where a tensor is not [N, C, H, W] as the program takes it. */
export function checkTensor({ shape, data }: FloatTensor, input: MapShape): void {
  const [height, width, channels] = input;
  const [count, ...rest] = shape;
  if (rest.join() !== [channels, height, width].join() || !Number.isInteger(count) || count < 1) {
    throw new UsageError(
      `input [${shape}] does not fit: [N, ${channels}, ${height}, ${width}] is wanted`,
    );
  }
  const size = channels * height * width;
  if (data.length === count * size) return;
  throw new UsageError(`input [${shape}] holds ${data.length} numbers instead of ${count * size}`);
}

/** [N, C, H, W] to [N, H, W, C], checked against what the program takes. */
export function prepareTensor(tensor: FloatTensor, input: MapShape): Float32Array {
  checkTensor(tensor, input);
  const { shape, data } = tensor;
  const size = data.length / shape[0];
  const batch = new Float32Array(data.length);
  for (let n = 0; n < shape[0]; n++) {
    toChannelsLast(data.subarray(n * size, (n + 1) * size), input, batch.subarray(n * size));
  }
  return batch;
}

/** A program's output [N, H, W, C] as [N, C, H, W], or [N, C] for vectors. */
export function outputTensor(
  data: Float32Array,
  count: number,
  kind: string,
  shape: MapShape,
): FloatTensor {
  const [height, width, channels] = shape;
  if (kind === "vector") return { shape: [count, channels], data };
  const planes = new Float32Array(data.length);
  const plane = height * width;
  for (let n = 0; n < count; n++)
    for (let i = 0; i < plane; i++)
      for (let c = 0; c < channels; c++) {
        planes[(n * channels + c) * plane + i] = data[(n * plane + i) * channels + c];
      }
  return { shape: [count, channels, height, width], data: planes };
}

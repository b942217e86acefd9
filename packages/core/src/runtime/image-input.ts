import { classOf, describe } from "../describe.js";
import { OnebitError } from "../errors.js";
import { type PixelImage, type Preprocess, preprocess } from "../image/index.js";
import { isPicture, type PictureLike, picturePixels } from "../platform/picture.js";
import type { BlobLike } from "../platform/web-types.js";
import { bytesOf } from "./given-data.js";
import { explained, Refused } from "./refused.js";
import type { FloatTensor } from "./tensor-input.js";

/** 8-bit pixels, interleaved: an ImageData, or any object like it with 1 to 4 channels. */
export interface ImageLike<Data = Uint8Array | Uint8ClampedArray> {
  readonly data: Data;
  readonly width: number;
  readonly height: number;
}

/** Pixels, or what a browser can draw: <img>, <canvas>, <video>, ImageBitmap, VideoFrame, the Blob of a picture ... */
export type ImageInput = ImageLike | ImageLike<readonly number[]> | PictureLike | BlobLike;

/** The images of a call. */
export interface ImageList {
  readonly list: readonly unknown[];
  /** It was given one instead of a list. */
  readonly single: boolean;
  /** They are given away: what can be moved to where the model runs is not copied. */
  readonly transfer?: boolean;
}

export function listImages(input: unknown): ImageList {
  const several =
    typeof input === "object" &&
    input !== null &&
    Symbol.iterator in input &&
    !ArrayBuffer.isView(input);
  return several
    ? { list: [...(input as Iterable<unknown>)], single: false }
    : { list: [input], single: true };
}

/** What to call an image of a call in errors. */
export const nameOfImage = (single: boolean, n: number) => (single ? "image" : `images[${n}]`);

/** Photographs to [N, C, H, W], as the model's preprocessing says. */
export async function prepareImages(
  { list, single }: ImageList,
  how: Preprocess,
): Promise<FloatTensor> {
  const shape = [list.length, how.channels, ...how.size];
  const data = new Float32Array(shape.reduce((product, dim) => product * dim, 1));
  const prepare = async (image: unknown, n: number) => {
    const where = nameOfImage(single, n);
    const pixels = canDecode(image) ? await decoded(image, where) : pixelsOf(image, where);
    data.set(preprocess(pixels, how), (n * data.length) / list.length);
  };
  await explained(Promise.all(list.map(prepare)));
  return { shape, data };
}

/** Whether it is an encoded picture, in a browser. */
export function canDecode(image: unknown): image is BlobLike {
  return /^(Blob|File)$/.test(classOf(image)) && typeof createImageBitmap === "function";
}

/**
 * The pixels of anything that classify() takes, as they are now: 8 bits, interleaved, 1 to 4 channels. A view
 * of what is given where that are pixels already. Errors as of classify().
 */
export function readPixels(image: ImageInput): Promise<PixelImage> {
  const read = async () => {
    return canDecode(image) ? decoded(image, "image") : pixelsOf(image, "image");
  };
  return explained(read());
}

async function decoded(blob: BlobLike, where: string): Promise<PixelImage> {
  const bitmap = await createImageBitmap(blob as Blob).catch((error: Error) => {
    const what = describe(blob);
    throw new OnebitError(
      `${where}: ${what} is no picture that can be decoded here: ${error.message}`,
    );
  });
  try {
    return pixelsOf(bitmap, where);
  } finally {
    bitmap.close();
  }
}

/** Its pixels as they are now. Refused where it is no image that can be read at once. */
export function pixelsOf(image: unknown, where: string): PixelImage {
  if (typeof image === "object" && image !== null) {
    if (isPixels(image)) return withChannels(image, where);
    if (isPicture(image)) return withChannels(picturePixels(image, where), where);
  }
  throw refusal(image, where);
}

function isPixels(image: object): image is ImageLike<unknown> {
  return "data" in image && "width" in image && "height" in image;
}

function withChannels(image: ImageLike<unknown> & { channels?: unknown }, where: string) {
  const { width, height } = image;
  const data = bytesOf(image.data);
  const sides = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  const channels = data ? data.length / (width * height) : 0;
  const agrees = image.channels === undefined || image.channels === channels;
  if (data && sides && agrees && Number.isInteger(channels) && channels >= 1 && channels <= 4) {
    return { data, width, height, channels };
  }
  throw refusal(image, where);
}

function refusal(image: unknown, where: string): Refused {
  return new Refused(where, async () =>
    (await import("../words/failures.js")).imageWords(image, where),
  );
}

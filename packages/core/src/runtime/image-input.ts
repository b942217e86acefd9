import { classOf, describe } from "../describe.js";
import { UsageError } from "../errors.js";
import { type PixelImage, type Preprocess, preprocess } from "../image/index.js";
import { isPicture, type PictureLike, picturePixels } from "../platform/picture.js";
import type { FloatTensor } from "./tensor-input.js";

/** 8-bit pixels, interleaved: an ImageData, or any object like it with 1 to 4 channels. */
export interface ImageLike<Data = Uint8Array | Uint8ClampedArray> {
  readonly data: Data;
  readonly width: number;
  readonly height: number;
}

/** Pixels, or what a browser can draw: <img>, <canvas>, <video>, ImageBitmap, VideoFrame ... */
export type ImageInput = ImageLike | ImageLike<readonly number[]> | PictureLike;

/** The images of a call; `single` where it was given one instead of a list. */
export function listImages(input: unknown): { list: readonly unknown[]; single: boolean } {
  const several =
    typeof input === "object" &&
    input !== null &&
    Symbol.iterator in input &&
    !ArrayBuffer.isView(input);
  return several
    ? { list: [...(input as Iterable<unknown>)], single: false }
    : { list: [input], single: true };
}

/** Photographs to [N, C, H, W], as the model's preprocessing says. */
export function prepareImages(
  images: readonly unknown[],
  how: Preprocess,
  single: boolean,
): FloatTensor {
  const shape = [images.length, how.channels, ...how.size];
  const data = new Float32Array(shape.reduce((product, dim) => product * dim, 1));
  images.forEach((image, n) => {
    const pixels = pixelsOf(image, single ? "image" : `images[${n}]`);
    data.set(preprocess(pixels, how), (n * data.length) / images.length);
  });
  return { shape, data };
}

function pixelsOf(image: unknown, where: string): PixelImage {
  if (typeof image !== "object" || image === null) throw refusal(image, where);
  if (isPixels(image)) return withChannels(image, where);
  if (isPicture(image)) return withChannels(picturePixels(image, where), where);
  throw refusal(image, where);
}

function isPixels(image: object): image is ImageLike<unknown> {
  return "data" in image && "width" in image && "height" in image;
}

function withChannels(image: ImageLike<unknown> & { channels?: unknown }, where: string) {
  const { width, height } = image;
  const data = bytesOf(image.data, where);
  const sides = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  const channels = data.length / (width * height);
  const agrees = image.channels === undefined || image.channels === channels;
  if (sides && agrees && Number.isInteger(channels) && channels >= 1 && channels <= 4) {
    return { data, width, height, channels };
  }
  const size = `${describe(width)}x${describe(height)}`;
  const wanted = agrees ? "1 to 4" : describe(image.channels);
  throw new UsageError(
    `${where}: ${data.length} bytes are not ${size} pixels of ${wanted} channels${encodedNote(data)}`,
  );
}

function bytesOf(data: unknown, where: string): Uint8Array | Uint8ClampedArray {
  const kind = classOf(data);
  if (kind === "Uint8Array" || kind === "Uint8ClampedArray") return data as Uint8Array;
  const isByte = (x: unknown) => Number.isInteger(x) && (x as number) >= 0 && (x as number) <= 255;
  // Not every(), which passes over holes.
  if (Array.isArray(data) && Array.from(data).every(isByte))
    return Uint8Array.from(data as number[]);
  const what = Array.isArray(data) ? "a list with other numbers than 0 to 255" : describe(data);
  throw new UsageError(
    `${where}: data is ${what}: 8-bit pixels are wanted, a Uint8Array or Uint8ClampedArray; floats that are normalised already go to run() as { shape: [N, C, H, W], data }`,
  );
}

function refusal(image: unknown, where: string): UsageError {
  return new UsageError(`${where}: ${describe(image)}${adviceFor(image)}`);
}

const wanted = () =>
  `: wanted are pixels { data, width, height }${
    typeof createImageBitmap !== "function"
      ? ", which decodeImage of onebit/images makes of pictures"
      : ", an ImageData, or what a browser draws: <img>, <canvas>, OffscreenCanvas, <video>, ImageBitmap, VideoFrame"
  }`;

function adviceFor(image: unknown): string {
  if (classOf(image) === "Promise") return ": await it first";
  const kind = classOf(image);
  if (kind === "Response") return decoding("await it.blob()");
  if (/^(Blob|File)$/.test(kind)) return decoding("it");
  if (/^(String|URL)$/.test(kind)) {
    const fetched = "await (await fetch(it)).blob()";
    return decoding(fetched, /^https?:/i.test(String(image)) ? fetched : "it");
  }
  if (Array.isArray(image)) return " inside: give images, one or a flat list of them";
  if (typeof image === "object" && image !== null && "shape" in image) {
    return ": a tensor goes to run(), and its logits to topPredictions()";
  }
  const isBytes = kind === "Uint8Array" || kind === "ArrayBuffer";
  const isThere = isBytes && (image as ArrayBuffer).byteLength > 0;
  return (isThere && encodedNote(new Uint8Array(image as ArrayBuffer))) || wanted();
}

function encodedNote(data: Uint8Array | Uint8ClampedArray): string {
  if (data.length === 0) return ": was its memory transferred away?";
  const start = String.fromCharCode(...data.subarray(0, 12));
  const found = SIGNATURES.find(([, signature]) => signature.test(start));
  return found ? `: it is ${found[0]} file${decoding("new Blob([it])", "it")}` : "";
}

const SIGNATURES: readonly (readonly [name: string, signature: RegExp])[] = [
  ["a JPEG", /^\xff\xd8\xff/],
  ["a PNG", /^\x89PNG/],
  ["a GIF", /^GIF8/],
  ["a WebP", /^RIFF[\s\S]{4}WEBP/],
  ["an AVIF or HEIC", /^[\s\S]{4}ftyp/],
];

/** How to get at the pixels of an encoded picture here: from a Blob, or in Node from more. */
function decoding(blob: string, inNode = blob): string {
  const how =
    typeof createImageBitmap === "function"
      ? `createImageBitmap(${blob})`
      : `decodeImage(${inNode}), which is in onebit/images`;
  return `: decode it first: await ${how}`;
}

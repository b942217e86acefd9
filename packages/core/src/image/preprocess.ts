import { OnebitError } from "../errors.js";
import { crop, type Rectangle } from "./crop.js";
import { toGrey } from "./grey.js";
import { checkImage, type Interpolation, type PixelImage, resize } from "./resize.js";

/**
 * What turns a photograph into a network's input; stored in the model.
 *
 *   resize -> crop -> (value / 255 - mean) / std
 */
export interface Preprocess {
  /** Height and width that the network takes. */
  size: [height: number, width: number];
  /** Channels that the network takes: 1 grey, 3 red-green-blue. */
  channels: 1 | 3;
  /**
   * A number: the shorter side becomes so long, the other keeps the proportion (rounded down).
   * A pair: exactly [height, width]. Absent: no resize before a centre crop; with `crop: "none"`
   * the image is stretched to `size`.
   */
  resize?: number | [height: number, width: number];
  crop: "center" | "none";
  interpolation: Interpolation;
  /** Per channel, in units of 0..1. */
  mean: number[];
  std: number[];
}

/**
 * Photograph to network input: float32 [C, H, W].
 *
 * Channels of the image: 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA. Alpha is composited on white. For a
 * network of 1 channel colour becomes grey before the resize (`toGrey`); for one of 3 grey is repeated.
 */
export function preprocess(image: PixelImage, p: Preprocess): Float32Array {
  const out = new Float32Array(p.channels * p.size[0] * p.size[1]);
  normalize(fit(image, p), p, out);
  return out;
}

/**
 * Alpha, grey, resize and crop: 8-bit pixels of the size that the network takes. Only what the crop
 * leaves is resized, so that a strip of 65000x1 pixels takes no more memory than a square.
 */
export function fit(image: PixelImage, p: Preprocess): PixelImage {
  checkImage(image);
  const { width, height, window } = fitting(image, p);
  const opaque = withChannels(compositeOnWhite(image), p.channels);
  const fitted =
    opaque.width === width && opaque.height === height
      ? crop(opaque, window)
      : resize(opaque, { width, height, interpolation: p.interpolation, window });
  return dropAlpha(fitted);
}

/** The size that an image becomes, and the window of it that the network takes. */
export function fitting(image: Size, p: Preprocess): Size & { readonly window: Rectangle } {
  const [height, width] = resizedSize(image, p);
  if (p.crop === "none" && (height !== p.size[0] || width !== p.size[1])) {
    throw new OnebitError(
      `image of ${image.width}x${image.height} becomes ${width}x${height}, but the network takes ${p.size[1]}x${p.size[0]} and crop is "none": set crop to "center", or resize to [height, width]`,
    );
  }
  return { width, height, window: centre({ width, height }, p.size) };
}

/**
 * (value / 255 - mean) / std in single precision, interleaved 8-bit to planar float32, written to
 * `out` from `offset`. The image must have the network's size.
 */
export function normalize(image: PixelImage, p: Preprocess, out: Float32Array, offset = 0): void {
  const [height, width] = p.size;
  if (image.width !== width || image.height !== height) {
    throw new OnebitError(
      `image of ${image.width}x${image.height} does not fit a network that takes ${width}x${height}: resize or crop it first`,
    );
  }
  const plane = height * width;
  const { data, channels } = withChannels(image, p.channels);
  for (let c = 0; c < p.channels; c++) {
    const table = normalizeTable(p.mean[c], p.std[c]);
    const start = offset + c * plane;
    let i = channels === 1 ? 0 : c;
    for (let o = 0; o < plane; o++, i += channels) out[start + o] = table[data[i]];
  }
}

const tables = new Map<string, Float32Array>();

/** There are only 256 pixel values: one table per mean and std. */
export function normalizeTable(mean: number, std: number): Float32Array {
  const key = `${mean}/${std}`;
  const known = tables.get(key);
  if (known) return known;
  if (!Number.isFinite(mean) || !(std > 0)) {
    throw new OnebitError(
      `mean ${mean} and std ${std} cannot normalise: give one finite mean and one std above 0 per channel`,
    );
  }
  const table = new Float32Array(256);
  const m = Math.fround(mean);
  const s = Math.fround(std);
  for (let v = 0; v < 256; v++) {
    const unit = Math.fround(v / 255);
    table[v] = Math.fround(unit - m) / s;
  }
  if (tables.size > 64) tables.clear();
  tables.set(key, table);
  return table;
}

/** Height and width after the resize step. */
function resizedSize({ width, height }: Size, p: Preprocess): [number, number] {
  if (p.resize === undefined) return p.crop === "none" ? p.size : [height, width];
  if (typeof p.resize !== "number") return p.resize;
  const short = p.resize;
  return height <= width
    ? [short, Math.trunc((short * width) / height)]
    : [Math.trunc((short * height) / width), short];
}

/** Cuts the middle [height, width]; an odd remainder is split as torchvision does (half to even). */
export function centerCrop(image: PixelImage, size: [number, number]): PixelImage {
  return crop(image, centre(image, size));
}

type Size = Pick<PixelImage, "width" | "height">;

function centre(image: Size, [height, width]: [number, number]): Rectangle {
  if (image.height < height || image.width < width) {
    throw new OnebitError(
      `image of ${image.width}x${image.height} is smaller than the crop of ${width}x${height}: resize it to at least that (resize: ${Math.max(height, width)})`,
    );
  }
  const top = roundHalfEven((image.height - height) / 2);
  const left = roundHalfEven((image.width - width) / 2);
  return { left, top, width, height };
}

function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

/** Lays a 2- or 4-channel image on white. Where nothing shines through it stays as it is, alpha and all. */
function compositeOnWhite(image: PixelImage): PixelImage {
  const { data, width, height, channels } = image;
  if (channels === 1 || channels === 3) return image;
  if (channels !== 2 && channels !== 4) {
    throw new OnebitError(
      `image has ${channels} channels: give 1 (grey), 2 (grey + alpha), 3 (RGB) or 4 (RGBA)`,
    );
  }
  const colours = channels - 1;
  if (isOpaque(data, channels)) return image;
  const out = new Uint8Array(width * height * colours);
  let o = 0;
  for (let i = 0; i < data.length; i += channels) {
    const alpha = data[i + colours];
    for (let c = 0; c < colours; c++) {
      out[o++] = Math.round((data[i + c] * alpha + 255 * (255 - alpha)) / 255);
    }
  }
  return { data: out, width, height, channels: colours };
}

function isOpaque(data: PixelImage["data"], channels: number): boolean {
  for (let i = channels - 1; i < data.length; i += channels) if (data[i] !== 255) return false;
  return true;
}

/** Of an opaque image, small by then. */
function dropAlpha(image: PixelImage): PixelImage {
  const { data, width, height, channels } = image;
  if (channels === 1 || channels === 3) return image;
  const colours = data.filter((_, i) => i % channels !== channels - 1);
  return { data: colours, width, height, channels: channels - 1 };
}

/** Grey for a network of 1 channel; for one of 3 `normalize` repeats it. */
function withChannels(image: PixelImage, channels: 1 | 3): PixelImage {
  return channels === 1 ? toGrey(image) : image;
}

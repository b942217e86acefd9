import { OnebitError } from "../../../errors.js";
import type { Preprocess } from "../../../image/preprocess.js";
import type { PictureLike, TakenFrame } from "../../../platform/picture.js";
import type { ImageList } from "../../image-input.js";
import type { Preparing } from "../../run-images.js";
import { type Gpu, USAGE } from "./device.js";
import { guarded, read } from "./loaded.js";
import { type PictureSource, preparePicture } from "./prepare-picture.js";

/**
 * Pictures of a page as a network takes them, [N, H, W, C] float32, prepared on the GPU: what image/preprocess.ts
 * does, in the same whole numbers. Two passes for each picture: its rows, then its columns and the
 * normalisation. They are read before this returns.
 *
 * Undefined where the GPU cannot have one (some browsers' videos, closed bitmaps), where one is too large for a
 * texture, and of an <img>, which may be turned otherwise there.
 */
export function preparePictures(
  gpu: Gpu,
  { list, single }: ImageList,
  how: Preprocess,
  preparing: Preparing,
): Promise<PreparedPictures> | undefined {
  const { device } = gpu;
  const { checkPicture, isPicture, nameOfImage, noFrame } = preparing;
  const pictures: NamedPicture[] = [];
  for (const [n, picture] of list.entries()) {
    if (typeof picture !== "object" || picture === null) return undefined;
    if ("data" in picture || !isPicture(picture)) return undefined;
    pictures.push({ picture, where: nameOfImage(single, n) });
  }
  const [height, width] = how.size;
  const words = pictures.length * (height * width * how.channels + 1);
  if (4 * words > device.limits.maxStorageBufferBindingSize) return undefined;
  device.pushErrorScope("validation");
  const sources = sourcesOf(device, pictures, checkPicture);
  const copied = device.popErrorScope();
  if (!sources) return undefined;
  return guarded(gpu, async () => {
    const usage = USAGE.storage | USAGE.copySource;
    const prepared = device.createBuffer({ size: 4 * words, usage });
    const flags = words - pictures.length;
    sources.forEach((source, n) => {
      const place = { prepared, to: (n * flags) / pictures.length, flag: flags + n };
      preparePicture(device, source, source.size, how, place, preparing);
      source.texture?.destroy();
    });
    const wrong = await copied;
    if (wrong) throw new OnebitError(`webgpu: ${wrong.message}`);
    const seen = checkFrames(device, pictures, prepared, flags, noFrame);
    // Told where it is awaited.
    seen.catch(() => {});
    return { images: prepared, seen };
  });
}

/** Pictures in the GPU's memory. */
export interface PreparedPictures {
  readonly images: GPUBuffer;
  /** Rejects, while the network runs already, where a video has shown nothing yet. */
  readonly seen: Promise<void>;
}

interface NamedPicture {
  readonly picture: PictureLike | TakenFrame;
  /** What to call it in errors. */
  readonly where: string;
}

/** Of videos: whether anything of a frame is not transparent. */
async function checkFrames(
  device: GPUDevice,
  pictures: readonly NamedPicture[],
  prepared: GPUBuffer,
  flags: number,
  noFrame: Preparing["noFrame"],
): Promise<void> {
  if (!pictures.some(({ picture }) => "readyState" in picture)) return;
  const size = 4 * pictures.length;
  const staging = device.createBuffer({ size, usage: USAGE.mapRead | USAGE.copyTarget });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(prepared, 4 * flags, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  const seen = new Uint32Array(await read(staging));
  pictures.forEach(({ picture, where }, n) => {
    if ("readyState" in picture && seen[n] === 0) throw noFrame(where);
  });
}

interface OwnSource extends PictureSource {
  readonly size: readonly [width: number, height: number];
  /** A copy that was made for it. */
  readonly texture?: GPUTexture;
}

function sourcesOf(
  device: GPUDevice,
  pictures: readonly NamedPicture[],
  checkPicture: Preparing["checkPicture"],
): readonly OwnSource[] | undefined {
  const sources: OwnSource[] = [];
  try {
    for (const { picture, where } of pictures) {
      sources.push(sourceOf(device, picture, checkPicture(picture, where)));
    }
    return sources;
  } catch {
    // Whoever reads its pixels instead can do it, or says what is wrong.
    for (const { texture } of sources) texture?.destroy();
    return undefined;
  }
}

/** Frames of videos as they lie in the GPU's memory, where it can read them there; others as a copy. */
function sourceOf(
  device: GPUDevice,
  picture: NamedPicture["picture"],
  size: OwnSource["size"],
): OwnSource {
  if ("naturalWidth" in picture) throw new Error("an <img>");
  if (Math.max(...size) > device.limits.maxTextureDimension2D) throw new Error("too large");
  const drawn = "bitmap" in picture ? (picture as TakenFrame).bitmap : picture;
  const frame = frameOf(device, drawn);
  if (frame) return { binding: frame, isExternal: true, size };
  const texture = device.createTexture({
    size: [...size],
    format: "rgba8unorm",
    usage: TEXTURE_USAGE,
  });
  const source = drawn as ImageBitmap;
  try {
    device.queue.copyExternalImageToTexture({ source }, { texture }, [...size]);
  } catch (error) {
    texture.destroy();
    throw error;
  }
  return { binding: texture.createView(), isExternal: false, size, texture };
}

/** To be copied to, bound, and, which copies of pictures need, drawn to. */
const TEXTURE_USAGE = 0x02 | 0x04 | 0x10;

/** Of a video, where the GPU has access to its frames: not in every browser, nor of every decoder. */
function frameOf(device: GPUDevice, drawn: object): GPUExternalTexture | undefined {
  if (!("displayWidth" in drawn || "videoWidth" in drawn)) return undefined;
  try {
    return device.importExternalTexture({ source: drawn as HTMLVideoElement });
  } catch {
    return undefined;
  }
}

import { extname } from "node:path";
import { OnebitError } from "onebit";
import { wrongFile } from "onebit/file";
import type { Sharp } from "sharp";
import { pictureKind } from "./picture-kind.js";
import { readBytes } from "./read-bytes.js";
import { loadSharp } from "./sharp.js";
import type { RawImage } from "./split.js";

/** Names of pictures that can be decoded; the first bytes decide, not the name. */
export const IMAGE_EXTENSIONS: readonly string[] =
  ".jpg .jpeg .png .webp .avif .gif .tif .tiff .jpe .jfif".split(" ");

/** Pictures too, but such as cannot be decoded: to be named, not passed over. */
const OTHER_PICTURES: readonly string[] =
  ".bmp .dib .pbm .pgm .ppm .pnm .heic .heif .jp2 .j2k .jxl .ico".split(" ");

/** Whether a file of this name is a picture, one that can be decoded or not. */
export function isPicture(name: string): boolean {
  const extension = extname(name).toLowerCase();
  return IMAGE_EXTENSIONS.includes(extension) || OTHER_PICTURES.includes(extension);
}

/** 2^27: at 3 bytes each, 400 MB. A file of kilobytes can claim billions. */
const MAX_PIXELS = 2 ** 27;

/**
 * Reads a photograph: turned as its EXIF orientation says, sRGB, 8 bits, alpha laid on white, the
 * first frame or page. Grey files give 1 channel, all others 3; CMYK becomes RGB as in Pillow. A
 * truncated or corrupt file, or another format, is an error that names it.
 */
export async function decodeImageFile(path: string): Promise<RawImage> {
  return decodeImage(await readBytes(path), path);
}

/** As `decodeImageFile`, from memory; `source` names the image in errors. */
export async function decodeImage(bytes: Uint8Array, source: string): Promise<RawImage> {
  refuseOthers(bytes, source);
  const sharp = await loadSharp();
  try {
    return await decoded(sharp(bytes, { failOn: "error", limitInputPixels: MAX_PIXELS }));
  } catch (error) {
    const why = (error as Error).message.replaceAll("\n", " ").trim();
    if (why.includes("pixel limit")) {
      throw new OnebitError(
        `${source}: cannot be decoded: it has more than ${MAX_PIXELS} pixels: make it smaller`,
      );
    }
    throw new OnebitError(`${source}: cannot be decoded (${why}): replace or remove the file`);
  }
}

function refuseOthers(bytes: Uint8Array, source: string): void {
  const kind = pictureKind(bytes);
  if (kind?.isRead) return;
  const wrong = kind ? undefined : wrongFile(bytes, { name: source, wanted: "picture" });
  // Of many pictures, this one is bad: the caller asked for nothing wrong.
  if (wrong) throw new OnebitError(wrong.message);
  if (bytes.length === 0) {
    throw new OnebitError(`${source}: cannot be decoded: it is empty: replace or remove the file`);
  }
  const what = kind ? `it is ${kind.what}` : "it is no picture that is known here";
  throw new OnebitError(
    `${source}: cannot be decoded: ${what}; JPEG, PNG, WebP, AVIF, GIF and TIFF are read: convert or remove it`,
  );
}

async function decoded(image: Sharp): Promise<RawImage> {
  const { space, depth } = await image.metadata();
  if (depth !== "uchar" && depth !== "ushort") {
    throw new Error(`its samples are ${depth}, not of 8 or 16 bits`);
  }
  if (space === "cmyk") return decodedCmyk(image);
  const grey = space === "b-w" || space === "grey16";
  const { data, info } = await image
    .autoOrient()
    .flatten({ background: "#ffffff" })
    .toColourspace(grey ? "b-w" : "srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels === 1 || channels === 3) return { data, width, height, channels };
  throw new Error(`decoded to ${channels} channels from ${space} (${depth})`);
}

/**
 * As Pillow's convert("RGB"), without a colour profile: r = (255 - k) (255 - c) / 255, so that numbers
 * are those that published networks saw.
 */
async function decodedCmyk(image: Sharp): Promise<RawImage> {
  const { data: inks, info } = await image
    .autoOrient()
    .pipelineColourspace("cmyk")
    .toColourspace("cmyk")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels !== 4) throw new Error(`decoded to ${channels} channels from CMYK`);
  const data = new Uint8Array(3 * width * height);
  for (let i = 0, o = 0; i < inks.length; i += 4) {
    const light = 255 - inks[i + 3];
    for (let c = 0; c < 3; c++) data[o++] = light - Math.round((inks[i + c] * light) / 255);
  }
  return { data, width, height, channels: 3 };
}

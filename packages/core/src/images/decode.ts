import type sharp from "sharp";
import type { Sharp } from "sharp";
import { classOf, describe } from "../describe.js";
import { OnebitError, UsageError } from "../errors.js";
import { wrongFile } from "../file/wrong-file.js";
import { isPath } from "../platform/is-node.js";
import { readRegularFile } from "../platform/regular-file.js";
import type { BlobLike, UrlLike } from "../platform/web-types.js";
import { checkOptions, type OptionChecks } from "../runtime/check-options.js";
import { loadDecoder } from "./decoder.js";
import { pictureKind } from "./picture-kind.js";

/** Interleaved rows of 8-bit pixels, as classify() takes them. */
export interface DecodedImage {
  data: Uint8Array;
  width: number;
  height: number;
  /** 1: grey. */
  channels: 1 | 3;
}

/** A path, a file: URL, or an encoded picture in memory. */
export type EncodedImage = string | UrlLike | BlobLike | Uint8Array | ArrayBuffer;

/** How a picture is called. */
export interface DecodeOptions {
  /** What to call the picture in errors. Default: its path, or "image". */
  readonly name?: string;
}

/** 2^27: at 3 bytes each, 400 MB. A file of kilobytes can claim billions. */
const MAX_PIXELS = 2 ** 27;

/**
 * Reads a photograph in Node: turned as its EXIF orientation says, sRGB, 8 bits, alpha laid on white,
 * the first frame or page. Grey files give 1 channel, all others 3; CMYK becomes RGB as in Pillow.
 *
 *   const [best] = await model.classify(await decodeImage("photo.jpg"), { top: 1 });
 *
 * JPEG, PNG, WebP, AVIF, GIF and TIFF, by the package sharp: NoDecoder, which is an OnebitError, where
 * it is not installed. OnebitError, naming the picture, where it is truncated, corrupt, of another format
 * or larger than 2^27 pixels. UsageError for what cannot be a picture.
 */
export async function decodeImage(
  image: EncodedImage,
  options: DecodeOptions = {},
): Promise<DecodedImage> {
  checkOptions("decodeImage", options, DECODE_OPTIONS);
  const bytes = await bytesOf(image);
  const { name = nameOf(image) } = options;
  refuseOthers(bytes, name);
  const { default: sharp } = await loadDecoder(() => import("sharp").catch(decoderOfProgram));
  try {
    return await decoded(sharp(bytes, { failOn: "error", limitInputPixels: MAX_PIXELS }));
  } catch (error) {
    const why = (error as Error).message.replaceAll("\n", " ").trim();
    if (why.includes("pixel limit")) {
      throw new OnebitError(
        `${name}: cannot be decoded: it has more than ${MAX_PIXELS} pixels: make it smaller`,
      );
    }
    throw new OnebitError(`${name}: cannot be decoded (${why}): replace or remove the file`);
  }
}

const DECODE_OPTIONS: OptionChecks<DecodeOptions> = {
  name: (name) => typeof name === "string" || "a text",
};

function nameOf(image: EncodedImage): string {
  return typeof image === "string" || classOf(image) === "URL" ? String(image) : "image";
}

async function bytesOf(image: EncodedImage): Promise<Uint8Array> {
  if (typeof image === "string" && isPath(image)) return readRegularFile(image);
  const kind = classOf(image);
  if (/^(String|URL)$/.test(kind)) return readRegularFile(pathOf(String(image)));
  if (kind === "Uint8Array") return image as Uint8Array;
  if (kind === "ArrayBuffer") return new Uint8Array(image as ArrayBuffer);
  if (/^(Blob|File)$/.test(kind)) return new Uint8Array(await (image as BlobLike).arrayBuffer());
  const hint = kind === "Promise" ? ": await it first" : "";
  throw new UsageError(
    `a picture is decoded from a path, a Uint8Array, an ArrayBuffer or a Blob, not from ${describe(image)}${hint}`,
  );
}

/** Of a URL. */
function pathOf(url: string): string {
  if (/^file:/i.test(url)) return process.getBuiltinModule("node:url").fileURLToPath(url);
  throw new UsageError(
    `${url}: is no file: fetch it first: decodeImage(await (await fetch(url)).arrayBuffer())`,
  );
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

async function decoded(image: Sharp): Promise<DecodedImage> {
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
async function decodedCmyk(image: Sharp): Promise<DecodedImage> {
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

/**
 * Packages that are installed globally each have their dependencies to themselves: sharp is then that of
 * the program, which says where it lies, to its threads as well. `missing`: thrown where it is not there
 * either.
 */
async function decoderOfProgram(missing: unknown): Promise<{ default: typeof sharp }> {
  const { ONEBIT_PROGRAM: program } = process.env;
  if (program === undefined) throw missing;
  try {
    const { createRequire } = process.getBuiltinModule("node:module");
    return { default: createRequire(program)("sharp") };
  } catch {
    throw missing;
  }
}

import { OnebitError } from "onebit";
import { readBytes } from "./read-bytes.js";
import type { RawImage } from "./split.js";

export const IMAGE_EXTENSIONS: readonly string[] = [".jpg", ".jpeg", ".png", ".webp", ".avif"];

/**
 * Reads a photograph: turned as its EXIF orientation says, sRGB, 8 bits, alpha laid on white. Grey
 * files give 1 channel, all others 3. A truncated or corrupt file is an error that names it.
 */
export async function decodeImageFile(path: string): Promise<RawImage> {
  return decodeImage(await readBytes(path), path);
}

/** As `decodeImageFile`, from memory; `source` names the image in errors. */
export async function decodeImage(bytes: Uint8Array, source: string): Promise<RawImage> {
  // Loaded on first use: threads that only see generated images do not need it.
  const { default: sharp } = await import("sharp");
  try {
    const image = sharp(bytes, { failOn: "error" });
    const { space, depth } = await image.metadata();
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
  } catch (error) {
    const why = (error as Error).message.replaceAll("\n", " ").trim();
    throw new OnebitError(`${source}: cannot be decoded (${why}): replace or remove the file`);
  }
}

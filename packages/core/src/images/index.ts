/**
 * Decodes pictures in Node, with sharp, an optional peer.
 *
 * ```ts
 * import { decodeImage } from "onebit/images";
 *
 * const { width, height, channels } = await decodeImage("photo.png"); // or its bytes
 * console.log(width, height, channels);
 * ```
 *
 * @module onebit/images
 */

export { type DecodedImage, type DecodeOptions, decodeImage, type EncodedImage } from "./decode.js";
export { loadDecoder, NoDecoder } from "./decoder.js";
export { IMAGE_EXTENSIONS, isPicture } from "./names.js";

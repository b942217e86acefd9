export { type DecodedImage, type DecodeOptions, decodeImage, type EncodedImage } from "./decode.js";
export { loadDecoder, NoDecoder } from "./decoder.js";
export { IMAGE_EXTENSIONS, isPicture } from "./names.js";

import { classOf, describe } from "../describe.js";
import { fileKind } from "../file/kind.js";
import { bytesOf, floatsOf, numbersOf, shapeText } from "./given-data.js";
import type { ImageLike } from "./image-input.js";
import type { TensorInfo } from "./model.js";

/** Why a tensor cannot be run on, and what to give instead. */
export function tensorWords(input: unknown, info: TensorInfo, where: string): string {
  if (typeof input !== "object" || input === null || !("shape" in input && "data" in input)) {
    return `${where}: ${describe(input)}${adviceForTensor(input, info)}`;
  }
  const shape = numbersOf(input.shape);
  const [count, ...rest] = shape;
  const fits = rest.join() === info.shape.join();
  if (!fits || !Number.isSafeInteger(count) || count < 1) {
    const isList = Array.isArray(input.shape) || ArrayBuffer.isView(input.shape);
    const shown = isList ? listed(shape) : `of shape ${describe(input.shape)}`;
    return `${where} ${shown} does not fit: ${misfit(shape, info)}`;
  }
  const data = floatsOf(input.data);
  if (!data) return dataWords(input.data, info, where);
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (data.length !== size) {
    const gone = data.length === 0 ? " (was its memory transferred away?)" : "";
    return `${where} ${listed(shape)} holds ${data.length} numbers instead of ${size}${gone}`;
  }
  return notFinite(Float32Array.from(data), shape, where);
}

/** What is wrong with a shape, as far as it can be told, and what is wanted. */
function misfit(shape: readonly number[], info: TensorInfo): string {
  const wanted = shapeText("N", info);
  if (shape.join() === info.shape.join()) {
    return `one ${info.kind === "map" ? "image" : "item"} is ${shapeText("1", info)}`;
  }
  if (info.kind === "vector") return `${wanted} is wanted`;
  const [channels, height, width] = info.shape;
  if (shape.length === 4 && shape[3] === channels && shape[1] !== channels) {
    return `channels are last; give ${wanted}`;
  }
  const resizable = shape.length === 4 && shape[1] === channels && shape[2] > 0 && shape[3] > 0;
  if (!resizable || (shape[2] === height && shape[3] === width)) return `${wanted} is wanted`;
  return `${wanted} is wanted; other sizes: load(file, { input: [${shape[2]}, ${shape[3]}] })`;
}

function dataWords(data: unknown, info: TensorInfo, where: string): string {
  if (Array.isArray(data)) {
    return `${where}: data is a list of other things than numbers: give a flat list`;
  }
  const pixels = /^(Ui|I)nt\d+(Clamped)?Array$/.test(classOf(data))
    ? `; pixels { data, width, height } go to classify(), which prepares them`
    : "";
  return `${where}: data is ${describe(data)}: normalised numbers ${shapeText("N", info)} are wanted, as a Float32Array${pixels}`;
}

function notFinite(data: Float32Array, shape: readonly number[], where: string): string {
  const at = data.findIndex((x) => !Number.isFinite(x));
  const bad = data.reduce((n, x) => n + Number(!Number.isFinite(x)), 0);
  return `${where} ${listed(shape)}: ${bad} of ${data.length} numbers are not finite, the first (${data[at]}) at ${listed(indexOf(at, shape))}; look at how they were normalised`;
}

/** The place of an element by its number. */
function indexOf(at: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  let rest = at;
  for (const dim of [...shape].reverse()) {
    index.unshift(rest % dim);
    rest = Math.floor(rest / dim);
  }
  return index;
}

function adviceForTensor(input: unknown, info: TensorInfo): string {
  if (classOf(input) === "Promise") return ": await it first";
  const shape = shapeText("1", info);
  if (Array.isArray(input)) {
    return `: give { shape: ${shape}, data: list.flat(${info.shape.length}) }`;
  }
  if (ArrayBuffer.isView(input)) return `: give { shape: ${shape}, data }`;
  const isImage = typeof input === "object" && input !== null && "width" in input;
  return `: { shape: ${shapeText("N", info)}, data: Float32Array } is wanted${isImage ? "; pictures go to classify()" : ""}`;
}

function listed(shape: readonly number[]): string {
  return `[${shape.slice(0, 8).join(", ")}${shape.length > 8 ? ", ..." : ""}]`;
}

/** Why something is no image, and what to give instead. */
export function imageWords(image: unknown, where: string): string {
  const isPixels = typeof image === "object" && image !== null && "data" in image;
  if (!isPixels || !("width" in image && "height" in image)) {
    return `${where}: ${describe(image)}${adviceForImage(image)}`;
  }
  const { width, height, channels, data: given } = image as ImageLike & { channels?: unknown };
  const data = bytesOf(given);
  if (!data) {
    const what = Array.isArray(given) ? "a list with other numbers than 0 to 255" : describe(given);
    return `${where}: data is ${what}: 8-bit pixels are wanted, a Uint8Array or Uint8ClampedArray; floats that are normalised already go to run() as { shape: [N, C, H, W], data }`;
  }
  const size = `${describe(width)}x${describe(height)}`;
  const agrees = channels === undefined || channels === data.length / (width * height);
  const wanted = agrees ? "1 to 4" : describe(channels);
  return `${where}: ${data.length} bytes are not ${size} pixels of ${wanted} channels${encodedNote(data)}`;
}

const wanted = () =>
  `: wanted are pixels { data, width, height }${
    typeof createImageBitmap !== "function"
      ? ", which decodeImage of onebit/images makes of pictures"
      : ", an ImageData, or what a browser draws: <img>, <canvas>, OffscreenCanvas, <video>, ImageBitmap, VideoFrame, Blob"
  }`;

function adviceForImage(image: unknown): string {
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
  return fileKind(Uint8Array.from(data)) === "picture"
    ? `: it is an encoded picture${decoding("new Blob([it])", "it")}`
    : "";
}

/** What to give instead of an encoded picture: in browsers a Blob, in Node what is decoded, from more. */
function decoding(blob: string, inNode = blob): string {
  return typeof createImageBitmap === "function"
    ? `: give ${blob}`
    : `: decode it first: await decodeImage(${inNode}), which is in onebit/images`;
}

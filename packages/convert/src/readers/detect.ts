import { OnebitError } from "onebit";
import { paramsMagic } from "./mxnet/params.js";
import { npyMagic } from "./npy.js";
import { looksLikeSafetensors } from "./safetensors.js";
import { isTorchLegacy } from "./torch/legacy-checkpoint.js";

export type DetectedFormat = "zip" | "torch-legacy" | "safetensors" | "npy" | "mxnet-params";

const known: readonly (readonly [DetectedFormat, readonly number[]])[] = [
  ["zip", ascii("PK\x03\x04")],
  ["npy", npyMagic],
  ["mxnet-params", paramsMagic],
];

/** Files that people pass by mistake, and what to do with each. */
const mistaken: readonly (readonly [string | readonly number[], string])[] = [
  ["version https://git-lfs", "a Git LFS pointer, not the file itself: run `git lfs pull`"],
  ["<", "a web page, not a checkpoint: the download link led to a page; fetch the file itself"],
  ["{", "JSON text: give the file with the weights"],
  [[0x1f, 0x8b], "compressed with gzip: unpack it first"],
  ["BZh", "compressed with bzip2: unpack it first"],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], "compressed with xz: unpack it first"],
  [[0x28, 0xb5, 0x2f, 0xfd], "compressed with zstd: unpack it first"],
  ["PK\x05\x06", "an empty zip file"],
  ["\x89HDF", "an HDF5 (Keras) file: convert it to safetensors"],
  ["GGUF", "a GGUF file: it holds no network that onebit knows"],
  [[0x08], "an ONNX model, it seems: ONNX models are read elsewhere, not as checkpoints"],
  [[0x80], "a pickle, but not one of torch.save: save the state_dict with torch.save"],
];

/** Which reader a file needs, from its first bytes. */
export function detectFormat(prefix: Uint8Array, byteLength: number): DetectedFormat {
  for (const [format, magic] of known) if (startsWith(prefix, magic)) return format;
  if (isTorchLegacy(prefix)) return "torch-legacy";
  if (looksLikeSafetensors(prefix)) return "safetensors";
  if (byteLength === 0) throw new OnebitError("the file is empty: fetch it again");
  for (const [start, what] of mistaken) {
    if (startsWith(prefix, typeof start === "string" ? ascii(start) : start))
      throw new OnebitError(what);
  }
  throw new OnebitError(
    "no checkpoint: its first bytes are none of torch.save's, safetensors', NumPy's or MXNet's",
  );
}

function ascii(text: string): readonly number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, i) => bytes[i] === byte);
}

/** What a file is, as far as its first bytes tell. */
export type FileKind =
  | "packed"
  | "float"
  | "index"
  | "weights"
  | "torch"
  | "torch-legacy"
  | "mxnet"
  | "npz"
  | "npy"
  | "onnx"
  | "tflite"
  | "hdf5"
  | "picture"
  | "idx"
  | UnusableKind;

/** Files that nothing here reads. */
export type UnusableKind =
  | "empty"
  | "lfs"
  | "page"
  | "xml"
  | "json"
  | "gzip"
  | "bzip2"
  | "xz"
  | "zstd"
  | "7z"
  | "rar"
  | "tar"
  | "zip"
  | "empty-zip"
  | "matlab"
  | "ort"
  | "gguf"
  | "pdf"
  | "pickle";

/** As many first bytes as fileKind looks at; from fewer it may tell less. */
export const KIND_BYTES = 4096;

type Magic = readonly [kind: FileKind, start: string | readonly number[], at?: number];

const magics: readonly Magic[] = [
  ["npy", "\x93NUMPY"],
  // 0x112, 64 bits: how a list of MXNet's arrays begins.
  ["mxnet", [0x12, 1, 0, 0, 0, 0, 0, 0]],
  ["lfs", "version https://git-lfs"],
  ["hdf5", "\x89HDF"],
  ["matlab", "MATLAB "],
  ["tflite", "TFL3", 4],
  ["ort", "ORTM", 4],
  ["gguf", "GGUF"],
  ["pdf", "%PDF"],
  ["gzip", [0x1f, 0x8b]],
  ["bzip2", "BZh"],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["7z", [0x37, 0x7a, 0xbc, 0xaf]],
  ["rar", "Rar!"],
  ["tar", "ustar", 257],
  ["empty-zip", "PK\x05\x06"],
  ["picture", "\x89PNG"],
  ["picture", [0xff, 0xd8, 0xff]],
  ["picture", "GIF8"],
  ["picture", "WEBP", 8],
  ["picture", "ftypavi", 4],
  ["picture", "ftyphei", 4],
  ["picture", "II*\0"],
  ["picture", "MM\0*"],
];

/** The kind of a file that begins with `bytes`; undefined where none is known. */
export function fileKind(bytes: Uint8Array): FileKind | undefined {
  if (bytes.length === 0) return "empty";
  const found = magics.find(([, start, at = 0]) => startsWith(bytes, start, at));
  if (found) return found[0];
  if (startsWith(bytes, "PK\x03\x04")) return zipKind(bytes);
  if (isTorchLegacy(bytes)) return "torch-legacy";
  if (isSafetensors(bytes)) return safetensorsKind(bytes);
  if (isOnnx(bytes)) return "onnx";
  if (startsWith(bytes, "BM") && startsWith(bytes, [0, 0, 0, 0], 6)) return "picture";
  if (bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5) return "pickle";
  if (startsWith(bytes, [0, 0]) && idxTypes.includes(bytes[2]) && bytes[3] > 0 && bytes[3] < 5) {
    return "idx";
  }
  return textKind(bytes);
}

function startsWith(bytes: Uint8Array, start: string | readonly number[], at = 0): boolean {
  const codes = typeof start === "string" ? Array.from(start, (c) => c.charCodeAt(0)) : start;
  return codes.every((code, i) => bytes[at + i] === code);
}

const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes.subarray(0, KIND_BYTES));

/** By the name of the first member: torch.save's are NAME/data.pkl and the like, NumPy's *.npy. */
function zipKind(bytes: Uint8Array): FileKind {
  const length = bytes[26] | (bytes[27] << 8);
  const name = latin1(bytes.subarray(30, 30 + length));
  if (/^[^/]+\/(data\.pkl|constants\.pkl|\.?(format_)?version|byteorder|\.?data\/)/.test(name)) {
    return "torch";
  }
  return name.endsWith(".npy") ? "npz" : "zip";
}

/** A pickle of the magic number, of protocol 2 to 5; from 4 on in a frame, whose length takes 9 bytes. */
function isTorchLegacy(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x80 || bytes[1] < 2 || bytes[1] > 5) return false;
  return startsWith(bytes, torchMagic, bytes[2] === 0x95 ? 11 : 2);
}

const torchMagic = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];

/** A header length of less than 2^40 and an opening brace. */
const isSafetensors = (bytes: Uint8Array): boolean =>
  bytes[8] === 0x7b && bytes[5] === 0 && bytes[6] + bytes[7] === 0;

/** The entry of the metadata says what onebit wrote it as. */
function safetensorsKind(bytes: Uint8Array): FileKind {
  const entry = /(?<!\\)"onebit(-model|-index)?"\s*:\s*"/.exec(latin1(bytes.subarray(8)));
  if (!entry) return "weights";
  if (entry[1] === "-index") return "index";
  return entry[1] ? "float" : "packed";
}

/** A ModelProto begins with its format version (field 1), and goes on with one of its other fields. */
const isOnnx = (bytes: Uint8Array): boolean =>
  bytes[0] === 8 && bytes[1] > 0 && bytes[1] < 32 && onnxFields.includes(bytes[2]);

/** Tags of producer, its version, domain, model version, documentation, graph, opset, metadata. */
const onnxFields = [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72];

const idxTypes = [8, 9, 11, 12, 13, 14];

function textKind(bytes: Uint8Array): FileKind | undefined {
  const text = latin1(bytes.subarray(0, 256)).replace(/^(\xef\xbb\xbf)?\s*/, "");
  if (/^<(\?xml|rss|error)/i.test(text)) return /<html/i.test(text) ? "page" : "xml";
  if (text.startsWith("<")) return "page";
  if (/^(\{|\[[\s"{])/.test(text)) return "json";
  return /^P[1-6]\s+(#.*\s+)?\d/.test(text) ? "picture" : undefined;
}

import { OnebitError, UsageError } from "../errors.js";
import { onebitCommand } from "../words/shell.js";
import { type FileKind, fileKind, type UnusableKind } from "./kind.js";

const command = (...words: readonly string[]) => `\`${onebitCommand(...words)}\``;

type UsableKind = Exclude<FileKind, UnusableKind>;

/** What a caller can take. */
export interface Want {
  readonly text: string;
  readonly kinds: readonly FileKind[];
  readonly formats?: string;
  /** What a checkpoint is imported to. Default: onebit. */
  readonly imported?: "onebit" | "safetensors";
  /** What to do with files of some kinds, where it is not what others would do. */
  readonly advice?: { readonly [K in UsableKind]?: (file: string) => string };
}

export const PACKED: Want = { text: "a packed network (.onebit)", kinds: ["packed"] };

/** What load() takes, in the library's words. */
export const LOADED: Want = {
  ...PACKED,
  advice: {
    picture: () =>
      "load a network, and give its classify() this picture, decoded (by decodeImage of onebit/images in Node, createImageBitmap in a page)",
    npy: () => "load a network, and give its run() these numbers",
    onnx: () =>
      `ONNX Runtime runs it as it is; for a packed network import the checkpoint that it was exported from, by ${command("import")}`,
  },
};

/**
 * The one message for a file of the wrong kind: what it is, and which command takes it. Undefined
 * where it is of a wanted kind, or of none that is known. UsageError where another command takes it.
 *
 * @param bytes the first bytes of the file, KIND_BYTES or all
 */
export function wrongKind(
  bytes: Uint8Array,
  name: string | undefined,
  want: Want,
): OnebitError | undefined {
  const kind = fileKind(bytes);
  if (kind === undefined || want.kinds.includes(kind)) return undefined;
  const before = name === undefined ? "" : `${name}: `;
  if (kind in unusable) {
    const [what, advice] = unusable[kind as UnusableKind];
    const not = wrappings.includes(kind) ? "" : `, not ${want.text}`;
    return new OnebitError(`${before}${what}${not}: ${advice}`);
  }
  const usable = kind as UsableKind;
  const advice = (want.advice?.[usable] ?? ADVICE[usable])(name ?? "FILE", want);
  return new UsageError(`${before}${NAMES[usable]}, not ${want.text}: ${advice}`);
}

/** For a file of no kind that is known here: what it begins with. Undefined for others. */
export function unknownKind(
  bytes: Uint8Array,
  name: string | undefined,
  { text, formats = "" }: Want,
): OnebitError | undefined {
  if (fileKind(bytes)) return undefined;
  const before = name === undefined ? "" : `${name}: `;
  return new OnebitError(
    `${before}no known kind of file, it begins with ${beginning(bytes)}; ${text}${formats} is wanted`,
  );
}

/** Text in quotes, else the bytes. */
function beginning(bytes: Uint8Array): string {
  const start = [...bytes.subarray(0, 12)];
  const text = String.fromCharCode(...start);
  if (/^[\s -~]+$/.test(text)) return JSON.stringify(text);
  return start.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

const NAMES: Readonly<Record<UsableKind, string>> = {
  packed: PACKED.text,
  float: "a float model",
  index: "an index of vectors",
  weights: "weights without a network of onebit's (safetensors)",
  torch: "a PyTorch checkpoint",
  "torch-legacy": "a PyTorch checkpoint",
  mxnet: "weights of MXNet",
  npz: "NumPy arrays (.npz)",
  npy: "a NumPy array (.npy)",
  onnx: "an ONNX model",
  tflite: "a TensorFlow Lite model",
  hdf5: "an HDF5 (Keras) file",
  picture: "a picture",
  idx: "IDX data",
};

const imports = (file: string, { imported = "onebit" }: Want) =>
  `import it: ${command("import", file, "-o", `model.${imported}`)}`;

const ADVICE: Readonly<Record<UsableKind, (file: string, want: Want) => string>> = {
  packed: (file) =>
    `it runs as it is, ${command("run", file, "IMAGE")}; its float equivalent: ${command("export", file, "--to", "safetensors", "-o", "model.safetensors")}`,
  float: (file) => `pack it: ${command("pack", file, "-o", "model.onebit")}`,
  index: (file) => `search it: ${command("search", "MODEL", file, "IMAGE")}`,
  weights: imports,
  torch: imports,
  "torch-legacy": imports,
  mxnet: imports,
  tflite: imports,
  hdf5: imports,
  npz: imports,
  npy: (file) =>
    `as images for a network: ${command("run", "MODEL", "--input", file, "--output", "y.npy")}`,
  onnx: (file) =>
    `it runs as it is, ${command("run", file, "IMAGE")}, and eval, verify, bisect and summary take it; other commands want the checkpoint that it was exported from, by ${command("import")}`,
  picture: (file) => `classify it: ${command("run", "MODEL", file)}`,
  idx: () => "its folder is a data set: --data idx:FOLDER",
};

/** Kinds that may well stand for the right file. */
const wrappings: readonly FileKind[] = ["lfs", "gzip", "bzip2", "xz", "zstd"];

const unusable: Readonly<Record<UnusableKind, readonly [what: string, advice: string]>> = {
  empty: ["an empty file", "fetch it again"],
  lfs: ["a Git LFS pointer, not the file itself", "run `git lfs pull`"],
  page: ["a web page", "the download link led to a page; fetch the file itself"],
  xml: ["XML text", "the server answered with an error, maybe; fetch the file itself"],
  json: ["JSON text", "the server answered with an error, maybe; give the file with the weights"],
  gzip: ["compressed with gzip", "unpack it first"],
  bzip2: ["compressed with bzip2", "unpack it first"],
  xz: ["compressed with xz", "unpack it first"],
  zstd: ["compressed with zstd", "unpack it first"],
  "7z": ["a 7-Zip archive", "unpack it first"],
  rar: ["a RAR archive", "unpack it first"],
  tar: ["a tar archive", "unpack it first"],
  zip: ["a zip archive", "unpack it first"],
  "empty-zip": ["an empty zip file", "fetch it again"],
  matlab: ["a MATLAB file (.mat)", "save its arrays as .npz (scipy.io.loadmat reads them)"],
  ort: ["a model in ONNX Runtime's own format", "give the .onnx model that it was made from"],
  gguf: ["a GGUF file", "it holds no network that onebit knows"],
  pdf: ["a PDF document", "give another file"],
  pickle: ["a pickle, but not one of torch.save", "save the state_dict with torch.save"],
};

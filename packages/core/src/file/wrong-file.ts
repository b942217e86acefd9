import { OnebitError, UsageError } from "../errors.js";
import { type FileKind, fileKind, type UnusableKind } from "./kind.js";

/** What a caller can take, and which kinds of files that is. */
const wants = {
  packed: { text: "a packed network (.onebit)", kinds: ["packed"] },
  runnable: { text: "a packed network (.onebit) or an .onnx model", kinds: ["packed", "onnx"] },
  float: { text: "a float model (.safetensors) or a run", kinds: ["float"] },
  tensors: { text: "a float model (.safetensors) or a run", kinds: ["float", "weights"] },
  network: {
    text: "a packed network, float model, run or .onnx model",
    kinds: ["packed", "float", "onnx"],
  },
  unpackable: { text: "a packed network, float model or run", kinds: ["packed", "float"] },
  onnx: { text: "an .onnx model", kinds: ["onnx"] },
  checkpoint: {
    text: "a checkpoint",
    kinds: ["float", "weights", "torch", "torch-legacy", "mxnet", "npz", "npy", "zip"],
  },
  array: { text: "a NumPy array (.npy)", kinds: ["npy"] },
  picture: { text: "a picture", kinds: ["picture"] },
  idx: { text: "IDX data", kinds: ["idx"] },
} as const satisfies Record<string, { text: string; kinds: readonly FileKind[] }>;

export type Wanted = keyof typeof wants;

export interface WrongFileOptions {
  /** Path or address, for the message and the commands in it. */
  readonly name?: string;
  readonly wanted: Wanted;
}

/**
 * The one message for a file of the wrong kind: what it is, and which command takes it. Undefined
 * where it is of a wanted kind, or of none that is known. UsageError where another command takes it.
 *
 * @param bytes the first bytes of the file, KIND_BYTES or all
 */
export function wrongFile(
  bytes: Uint8Array,
  { name, wanted }: WrongFileOptions,
): OnebitError | undefined {
  const kind = fileKind(bytes);
  const { text, kinds }: { text: string; kinds: readonly FileKind[] } = wants[wanted];
  if (kind === undefined || kinds.includes(kind)) return undefined;
  const before = name === undefined ? "" : `${name}: `;
  if (kind in unusable) {
    const [what, advice] = unusable[kind as UnusableKind];
    const not = wrappings.includes(kind) ? "" : `, not ${text}`;
    return new OnebitError(`${before}${what}${not}: ${advice}`);
  }
  const file = name === undefined ? "FILE" : quoted(name);
  const [what, advice] = usable(kind as Exclude<FileKind, UnusableKind>, file, wanted);
  return new UsageError(`${before}${what}, not ${text}: ${advice}`);
}

/** As a shell takes it. */
const quoted = (path: string): string =>
  /^[\w./\\:~@%+=,-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;

function usable(
  kind: Exclude<FileKind, UnusableKind>,
  file: string,
  wanted: Wanted,
): readonly [what: string, advice: string] {
  switch (kind) {
    case "packed":
      return [
        "a packed network (.onebit)",
        wanted === "tensors"
          ? "its weights are signs and cannot be trained on; give the run or float model that it was packed from"
          : `it runs as it is, \`onebit run ${file} IMAGE\`; its float equivalent: \`onebit export ${file} --to safetensors -o model.safetensors\``,
      ];
    case "float":
      return wanted === "onnx"
        ? ["a float model", `export it: \`onebit export ${file} --to onnx -o model.onnx\``]
        : ["a float model", `pack it: \`onebit pack ${file} -o model.onebit\``];
    case "weights":
      return ["weights without a network of onebit's (safetensors)", imports(file, wanted)];
    case "torch":
    case "torch-legacy":
      return ["a PyTorch checkpoint", imports(file, wanted)];
    case "mxnet":
      return ["weights of MXNet", imports(file, wanted)];
    case "npz":
      return ["NumPy arrays (.npz)", imports(file, wanted)];
    case "npy":
      return [
        "a NumPy array (.npy)",
        `as images for a network: \`onebit run MODEL --input ${file} --output y.npy\``,
      ];
    case "onnx":
      return [
        "an ONNX model",
        `it runs as it is, \`onebit run ${file} IMAGE\`, and eval, verify, bisect and summary take it; other commands want the checkpoint that it was exported from, by onebit import`,
      ];
    case "picture":
      return ["a picture", `classify it: \`onebit run MODEL ${file}\``];
    case "idx":
      return ["IDX data", "its folder is a data set: --data idx:FOLDER"];
  }
}

function imports(file: string, wanted: Wanted): string {
  const output = wanted === "float" || wanted === "tensors" ? "safetensors" : "onebit";
  return `import it: \`onebit import ${file} -o model.${output}\``;
}

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
  hdf5: ["an HDF5 (Keras) file", "convert it to safetensors"],
  tflite: ["a TensorFlow Lite model", "export the network to ONNX instead"],
  ort: ["a model in ONNX Runtime's own format", "give the .onnx model that it was made from"],
  gguf: ["a GGUF file", "it holds no network that onebit knows"],
  pdf: ["a PDF document", "give another file"],
  pickle: ["a pickle, but not one of torch.save", "save the state_dict with torch.save"],
};

import { fileKind, unknownFile, wrongFile } from "onebit/file";

export type DetectedFormat =
  | "zip"
  | "torch-legacy"
  | "safetensors"
  | "npy"
  | "mxnet-params"
  | "tflite"
  | "hdf5"
  | "onnx";

/** Which reader a file needs, from its first bytes. `name` is for what is told of others. */
export function detectFormat(prefix: Uint8Array, name?: string): DetectedFormat {
  const wrong = wrongFile(prefix, { name, wanted: "checkpoint" });
  if (wrong) throw wrong;
  const kind = fileKind(prefix);
  switch (kind) {
    case "torch":
    case "npz":
    case "zip":
      return "zip";
    case "float":
    case "weights":
      return "safetensors";
    case "mxnet":
      return "mxnet-params";
    case "torch-legacy":
    case "npy":
    case "tflite":
    case "hdf5":
    case "onnx":
      return kind;
    default:
      throw unknownFile(prefix, { name, wanted: "checkpoint" });
  }
}

import type { OnebitError } from "../errors.js";
import { onebitCommand } from "../words/shell.js";
import { PACKED, unknownKind, type Want, wrongKind } from "./wrong-kind.js";

const wants = {
  packed: PACKED,
  runnable: { text: "a packed network (.onebit) or an .onnx model", kinds: ["packed", "onnx"] },
  float: {
    text: "a float model (.safetensors) or a run",
    kinds: ["float"],
    imported: "safetensors",
  },
  tensors: {
    text: "a float model (.safetensors) or a run",
    kinds: ["float", "weights"],
    imported: "safetensors",
    advice: {
      packed: () =>
        "its weights are signs and cannot be trained on; give the run or float model that it was packed from",
    },
  },
  network: {
    text: "a packed network, float model, run or .onnx model",
    kinds: ["packed", "float", "onnx"],
  },
  unpackable: { text: "a packed network, float model or run", kinds: ["packed", "float"] },
  onnx: {
    text: "an .onnx model",
    kinds: ["onnx"],
    advice: {
      float: (file) =>
        `export it: \`${onebitCommand("export", file, "--to", "onnx", "-o", "model.onnx")}\``,
    },
  },
  checkpoint: {
    text: "a checkpoint",
    formats: " (torch.save, safetensors, NumPy, MXNet, TensorFlow Lite, Keras, ONNX)",
    kinds: [
      ...(["float", "weights", "torch", "torch-legacy", "mxnet", "npz", "npy", "zip"] as const),
      ...(["tflite", "hdf5", "onnx"] as const),
    ],
  },
  array: { text: "a NumPy array (.npy)", kinds: ["npy", "npz"] },
  index: { text: "an index of vectors (`embed` makes them)", kinds: ["index"] },
  picture: { text: "a picture", kinds: ["picture"] },
  idx: { text: "IDX data", kinds: ["idx"] },
} satisfies Record<string, Want>;

/** Kinds of files that commands want. */
export type Wanted = keyof typeof wants;

/** What was wanted instead of the file. */
export interface WrongFileOptions {
  /** Path or address, for the message and the commands in it. */
  readonly name?: string;
  readonly wanted: Wanted;
}

/** What a file of the wrong kind is, and which command takes it: see wrongKind. */
export function wrongFile(
  bytes: Uint8Array,
  { name, wanted }: WrongFileOptions,
): OnebitError | undefined {
  return wrongKind(bytes, name, wants[wanted]);
}

/** For a file of no known kind: what it begins with. Undefined for others. */
export function unknownFile(
  bytes: Uint8Array,
  { name, wanted }: WrongFileOptions,
): OnebitError | undefined {
  return unknownKind(bytes, name, wants[wanted]);
}

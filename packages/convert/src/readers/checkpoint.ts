import { OnebitError } from "onebit";
import { type AsyncBuffer, naming } from "./async-buffer.js";
import type { KerasModel } from "./hdf5/keras-model.js";
import type { OnnxGraph } from "./onnx/graph.js";
import { sha256 } from "./sha256.js";
import type { TensorEntry } from "./tensor-entry.js";
import { printable } from "./text.js";
import type { TfliteModel } from "./tflite/model.js";
import { nothingUnread, type Unread } from "./unread.js";

/** Formats of files that hold tensors by name. */
export type CheckpointFormat =
  | "torch-zip"
  | "torch-legacy"
  | "safetensors"
  | "npy"
  | "npz"
  | "mxnet-params"
  | "tflite"
  | "hdf5"
  | "onnx";

/** A plain value of a checkpoint, beside its tensors. */
export type MetadataScalar = string | number | bigint | boolean | null;
/** A plain value, or a list of them (`temp: [1, 0.9]`). */
export type MetadataValue = MetadataScalar | readonly MetadataValue[];

/** A checkpoint whose structure was checked; tensors are read one by one, when asked for. */
export interface Checkpoint {
  readonly format: CheckpointFormat;
  /**
   * Every tensor of the file by its dotted path, in file order; see `stateDict`. Where two have the
   * same dotted path (keys with dots), the second is called `a.b (2)`.
   */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** Plain values by dotted path: `epoch`, `best_top1_acc`, `optimizer.param_groups.0.lr`. */
  readonly metadata: ReadonlyMap<string, MetadataValue>;
  /** Objects of foreign classes and other values that were passed over. */
  readonly unread: Unread;
  /** The network itself, in formats that hold more than tensors. */
  readonly description?: Description;
  /** SHA-256 of the whole file, lower-case hexadecimal. Reads all of it, once. */
  sha256(): Promise<string>;
}

/** What a file says of the network whose tensors it holds. */
export type Description =
  | { readonly kind: "tflite"; readonly model: TfliteModel }
  | { readonly kind: "keras"; readonly model: KerasModel }
  | { readonly kind: "onnx"; readonly graph: OnnxGraph };

/** Puts the parts together. Two tensors of one name are refused. */
export function checkpointOf(
  buffer: AsyncBuffer,
  format: CheckpointFormat,
  entries: readonly TensorEntry[],
  beside: Partial<Pick<Checkpoint, "metadata" | "unread" | "description">> = {},
): Checkpoint {
  const { metadata = new Map(), unread = nothingUnread, description } = beside;
  const tensors = new Map<string, TensorEntry>();
  for (const entry of entries) {
    if (tensors.has(entry.key))
      throw new OnebitError(`two tensors are named ${printable(entry.key)}`);
    tensors.set(entry.key, withFileName(buffer, entry));
  }
  let digest: Promise<string> | undefined;
  const hash = () => {
    digest ??= naming(buffer, () => sha256(buffer));
    return digest;
  };
  return { format, tensors, metadata, unread, description, sha256: hash };
}

function withFileName(buffer: AsyncBuffer, entry: TensorEntry): TensorEntry {
  return {
    ...entry,
    bytes: () => naming(buffer, entry.bytes),
    read: () => naming(buffer, entry.read),
    floats: () => naming(buffer, entry.floats),
  };
}

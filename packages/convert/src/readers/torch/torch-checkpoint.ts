import { OnebitError } from "onebit";
import type { AsyncBuffer } from "../async-buffer.js";
import { type Checkpoint, checkpointOf, type MetadataValue } from "../checkpoint.js";
import { bytesPerElement } from "../dtype.js";
import { type ByteSource, type TensorEntry, tensorEntry } from "../tensor-entry.js";
import { unreadObject } from "../unread.js";
import { flatten } from "./flatten.js";
import type { TensorRef } from "./globals.js";
import type { PickleValue } from "./pickle-values.js";

/** What both formats of torch.save come down to. */
export interface TorchFile {
  readonly format: "torch-zip" | "torch-legacy";
  readonly root: PickleValue;
  /** The bytes of the storage with this key. */
  readonly storages: ReadonlyMap<string, ByteSource>;
  readonly bigEndian: boolean;
}

export async function torchCheckpoint(buffer: AsyncBuffer, file: TorchFile): Promise<Checkpoint> {
  const { tensors, metadata, unread } = flatten(file.root);
  if (tensors.length === 0 && unread.values[0]?.place === "") throw unreadObject(unread.values[0]);
  const entries = withOwnKeys(tensors.map(({ path, tensor }) => entryOf(path, tensor, file)));
  const nested = tensors.some(({ path }) => path.length > 1);
  const scalars = tensors.flatMap(({ path, tensor }, i) =>
    nested && path.length === 1 && isMetric(tensor) ? [entries[i]] : [],
  );
  await addScalars(scalars, metadata);
  return checkpointOf(buffer, file.format, entries, { metadata, unread });
}

/** {"a.b": ..., "a": {"b": ...}} has two tensors of one dotted path: the second is "a.b (2)". */
function withOwnKeys(entries: readonly TensorEntry[]): readonly TensorEntry[] {
  const counts = new Map<string, number>();
  return entries.map((entry) => {
    const count = (counts.get(entry.key) ?? 0) + 1;
    counts.set(entry.key, count);
    return count === 1 ? entry : { ...entry, key: `${entry.key} (${count})` };
  });
}

/**
 * Metrics are often saved as tensors of one number (`best_top1_acc`). Those beside a dict of tensors
 * are given as metadata too; the many counters inside a state_dict are not.
 */
const isMetric = (tensor: TensorRef): boolean =>
  tensor.shape.length === 0 && (tensor.storage.byteLength ?? 0) <= 4096;

async function addScalars(
  scalars: readonly TensorEntry[],
  metadata: Map<string, MetadataValue>,
): Promise<void> {
  for (const entry of scalars.slice(0, 64)) {
    const [value] = await entry.read();
    metadata.set(entry.key, entry.dtype === "bool" ? value === 1 : value);
  }
}

function entryOf(path: readonly string[], tensor: TensorRef, file: TorchFile): TensorEntry {
  const { storage, dtype, shape, strides, offset } = tensor;
  const source = file.storages.get(storage.key);
  if (!source)
    throw new OnebitError(`${path.join(".")}: storage ${storage.key} is not in the file`);
  const base = storage.byteOffset;
  const view: ByteSource = {
    byteLength: storage.byteLength ?? 0,
    read: (start, end) => source.read(base + start, base + end),
  };
  const { bigEndian } = file;
  if (base % bytesPerElement[dtype] !== 0) {
    throw new OnebitError(`${path.join(".")}: its storage view begins inside an element`);
  }
  return tensorEntry(path, { shape, strides, offset, dtype, bigEndian }, view);
}

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { OnebitError } from "onebit";
import {
  float32Values,
  readSafetensors,
  type StoredTensor,
  unknownFile,
  writeSafetensors,
  wrongFile,
} from "onebit/file";
import type { Snapshot } from "../engine/types.js";
import type { Layout } from "../state/index.js";
import type { Best } from "./events.js";
import { writeWhole } from "./files.js";

/** Where a run stands after a whole number of epochs. */
export interface CheckpointPosition {
  readonly epochs: number;
  readonly best: Best | null;
  readonly seconds: number;
}

/** The state of a training, and where it stands. */
export interface Checkpoint {
  readonly snapshot: Snapshot;
  readonly position: CheckpointPosition;
}

/** Keys of what is not a tensor of the network; network keys contain no slash. */
export const momentKey = (moment: string, key: string) => `optimiser/${moment}/${key}`;
const averageKey = (key: string) => `average/${key}`;
const watchedKey = "watched/signs";

export function isNetworkKey(key: string): boolean {
  return !key.includes("/");
}

/**
 * One safetensors file holds everything, so that there is no moment at which half of a state is
 * new: tensors under their own keys, moments and running average beside them, and in the metadata
 * the position and a SHA-256 of the data.
 */
export async function saveCheckpoint(
  path: string,
  layout: Layout,
  { snapshot, position }: Checkpoint,
): Promise<void> {
  const tensors: { [key: string]: StoredTensor } = {};
  const { values, moments, average, step, watched } = snapshot;
  const store = (name: string, flat: Float32Array, segment: Layout["segments"][number]) => {
    const { shape, start, end } = segment;
    tensors[name] = { dtype: "F32", shape, data: bytesOf(flat.subarray(start, end)) };
  };
  for (const segment of layout.segments) {
    const { key, end } = segment;
    store(key, values, segment);
    if (average) store(averageKey(key), average, segment);
    if (end > layout.trained) continue;
    for (const [name, moment] of Object.entries(moments)) {
      store(momentKey(name, key), moment, segment);
    }
  }
  if (watched) {
    const { signs } = watched;
    tensors[watchedKey] = { dtype: "U8", shape: [signs.length], data: signs };
  }
  const metadata = {
    format: "onebit-checkpoint-1",
    position: JSON.stringify({ ...position, step, ...(watched && { watched: watched.step }) }),
    sha256: digest(Object.values(tensors)),
  };
  await writeWhole(path, writeSafetensors({ metadata, tensors }));
}

/**
 * What saveCheckpoint wrote. momentNames: what the optimiser keeps. averaged: whether there is a running average.
 * OnebitError for a file that is damaged or of another network.
 */
export async function loadCheckpoint(
  path: string,
  layout: Layout,
  momentNames: readonly string[],
  averaged: boolean,
): Promise<Checkpoint> {
  const { metadata, tensors } = await readWhole(path);
  if (metadata.format !== "onebit-checkpoint-1" || !metadata.position) {
    throw new OnebitError(`${path}: is not a checkpoint of a onebit training`);
  }
  if (metadata.sha256 !== digest(Object.values(tensors))) {
    throw new OnebitError(`${path}: the data do not fit their checksum: the file is damaged`);
  }
  const load = (name: (key: string) => string, length: number): Float32Array => {
    const flat = new Float32Array(length);
    for (const { key, shape, start, end } of layout.segments) {
      if (end > length) continue;
      flat.set(valuesOf(path, name(key), tensors[name(key)], shape), start);
    }
    return flat;
  };
  const { step, watched, ...position } = JSON.parse(metadata.position) as CheckpointPosition & {
    readonly step: number;
    /** Steps before the last observation. */
    readonly watched?: number;
  };
  const signs = tensors[watchedKey]?.data;
  const snapshot: Snapshot = {
    values: load((key) => key, layout.length),
    moments: Object.fromEntries(
      momentNames.map((name) => [name, load((key) => momentKey(name, key), layout.trained)]),
    ),
    average: averaged ? load(averageKey, layout.length) : undefined,
    step,
    ...(signs && watched !== undefined && { watched: { step: watched, signs } }),
  };
  return { snapshot, position };
}

export async function readWhole(path: string): Promise<ReturnType<typeof readSafetensors>> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") throw new OnebitError(`${path}: there is no such file`);
    throw new OnebitError(`${path}: cannot be read: ${error.message}`);
  });
  const wanted = { name: path, wanted: "tensors" } as const;
  const wrong = wrongFile(bytes, wanted) ?? unknownFile(bytes, wanted);
  if (wrong) throw wrong;
  try {
    return readSafetensors(bytes);
  } catch (error) {
    if (error instanceof OnebitError) throw new OnebitError(`${path}: ${error.message}`);
    throw error;
  }
}

function valuesOf(
  path: string,
  key: string,
  stored: StoredTensor | undefined,
  shape: readonly number[],
): Float32Array {
  if (!stored) throw new OnebitError(`${path}: has no "${key}": it belongs to another network`);
  if (stored.shape.join() !== shape.join()) {
    throw new OnebitError(`${path}: "${key}" is [${stored.shape}], [${shape}] is wanted`);
  }
  return float32Values(key, stored);
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function digest(tensors: readonly StoredTensor[]): string {
  const hash = createHash("sha256");
  for (const { data } of tensors) hash.update(data);
  return hash.digest("hex");
}

import { UsageError } from "../errors.js";
import { checkProgram } from "../program/check.js";
import { compactProgram, requiredKinds } from "../program/compact.js";
import type { Program, ProgramTensors } from "../program/types.js";
import { checkExtras } from "./check-extras.js";
import { digest, type TensorEntry } from "./digest.js";
import { ALIGNMENT, FORMAT, METADATA_ENTRY, NEEDS, type OnebitFile } from "./onebit-file.js";
import { REAL_WEIGHTS, type RealWeights, storeRealWeight } from "./real-weights.js";
import { type StoredTensor, writeSafetensors } from "./safetensors.js";
import { joinSmallFloats } from "./small-floats.js";
import { isQuantised, storeQuantised } from "./store-quantised.js";
import { storeVector, VECTORS, type Vectors } from "./store-vector.js";

/** How the numbers of a `.onebit` file are stored. */
export interface WriteOptions {
  /**
   * Storage of real convolution and linear weights; per-channel vectors stay float32. int8 has one
   * factor per output channel.
   */
  readonly realWeights?: RealWeights;
  /**
   * Storage of per-channel vectors. int16 takes half the bytes and moves each number by up to a
   * 131,072nd of its vector's range. Weights that the graph quantised are stored as their codes.
   */
  readonly vectors?: Vectors;
}

/** The bytes of a `.onebit` file. */
export async function writeOnebit(
  file: OnebitFile,
  { realWeights = "float32", vectors = "float32" }: WriteOptions = {},
): Promise<Uint8Array> {
  if (!REAL_WEIGHTS.includes(realWeights)) {
    throw new UsageError(`real weights "${realWeights}": must be ${REAL_WEIGHTS.join(", ")}`);
  }
  if (!VECTORS.includes(vectors)) {
    throw new UsageError(`vectors "${vectors}": must be ${VECTORS.join(" or ")}`);
  }
  checkProgram(file.program, file.tensors);
  checkExtras(file);
  const stored = storedTensors(file, { realWeights, vectors });
  const joined = joinSmallFloats(stored);
  const tensors = inFileOrder(joined.tensors);
  const header = {
    format: FORMAT,
    needs: NEEDS,
    requires: requiredKinds(file.program),
    program: compactProgram(file.program, Object.keys(stored)),
    floats: joined.floats,
    preprocess: file.preprocess,
    labels: file.labels,
    card: file.card,
  };
  // As it will be read: without what JSON drops.
  const plain = JSON.parse(JSON.stringify(header)) as typeof header;
  const sha256 = await digest(plain, tensorTable(tensors), concatenate(Object.values(tensors)));
  const metadata = { [METADATA_ENTRY]: JSON.stringify({ ...plain, sha256 }) };
  return writeSafetensors({ metadata, tensors }, ALIGNMENT);
}

function storedTensors(
  { program, tensors }: OnebitFile,
  { realWeights, vectors }: Required<WriteOptions>,
) {
  const narrow = realWeightKeys(program);
  const stored: { [key: string]: StoredTensor } = {};
  for (const key of usedKeys(program, tensors)) {
    const tensor = tensors[key];
    const { shape } = tensor;
    if (tensor.type === "bits") {
      stored[key] = { dtype: "U8", shape: [padded(tensor.data)], data: pad(tensor.data) };
    } else if (!narrow.has(key)) stored[key] = storeVector(tensor.data, vectors, shape);
    else if (isQuantised(tensor)) {
      Object.assign(stored, storeQuantised(key, tensor.quantised!, vectors));
    } else Object.assign(stored, storeRealWeight(key, shape, tensor.data, realWeights));
  }
  return stored;
}

function realWeightKeys({ steps }: Program): Set<string> {
  return new Set(
    steps.flatMap((step) => (step.kind === "conv" || step.kind === "linear" ? [step.weight] : [])),
  );
}

/** Tensors that no step names would only make the file longer. */
function usedKeys({ steps }: Program, tensors: ProgramTensors): string[] {
  const named = new Set<unknown>(
    steps.flatMap((step) => ["weight" in step ? step.weight : "", ...step.epilogue.flat()]),
  );
  return Object.keys(tensors).filter((key) => named.has(key));
}

const padded = ({ length }: Uint8Array) => Math.ceil(length / ALIGNMENT) * ALIGNMENT;

function pad(data: Uint8Array): Uint8Array {
  const result = new Uint8Array(padded(data));
  result.set(data);
  return result;
}

const ORDER = ["U8", "F32", "F16", "I16", "I8"];

function inFileOrder(tensors: { readonly [key: string]: StoredTensor }) {
  const entries = Object.entries(tensors);
  entries.sort(([, a], [, b]) => ORDER.indexOf(a.dtype) - ORDER.indexOf(b.dtype));
  return Object.fromEntries(entries);
}

function tensorTable(tensors: { readonly [key: string]: StoredTensor }): TensorEntry[] {
  let at = 0;
  return Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
    const start = at;
    at += data.length;
    return [name, dtype, shape, start];
  });
}

function concatenate(tensors: readonly StoredTensor[]): Uint8Array {
  const bytes = new Uint8Array(tensors.reduce((total, { data }) => total + data.length, 0));
  let at = 0;
  for (const { data } of tensors) {
    bytes.set(data, at);
    at += data.length;
  }
  return bytes;
}

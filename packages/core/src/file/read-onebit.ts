import { OnebitError } from "../errors.js";
import { checkProgram } from "../program/check.js";
import { expandProgram, KNOWN_KINDS } from "../program/compact.js";
import { packedRowBytes } from "../program/geometry.js";
import { integer, record, string, strings } from "../program/json.js";
import type { Program, ProgramTensor } from "../program/types.js";
import { checkExtras } from "./check-extras.js";
import { digest, type TensorEntry } from "./digest.js";
import { ALIGNMENT, FORMAT, METADATA_ENTRY, NOT_PACKED, type OnebitFile } from "./onebit-file.js";
import { isLevelsOf, loadQuantised } from "./quantised-weights.js";
import { loadRealWeight, scaleKey } from "./real-weights.js";
import { checkSize } from "./receive.js";
import { readSafetensors, type Safetensors, type StoredTensor } from "./safetensors.js";
import { splitSmallFloats } from "./small-floats.js";

/**
 * Reads a `.onebit` file and trusts nothing in it: structure, checksum, program and tensors are all
 * checked before it returns. Tensors may be views of `bytes`, which must not change afterwards.
 *
 * OnebitError: not such a file, damaged, or written for a later version of onebit.
 */
export async function readOnebit(bytes: Uint8Array): Promise<OnebitFile> {
  const { file, intact } = await openOnebit(bytes);
  await intact;
  return file;
}

/** A file whose checksum is still under way. */
export interface OpenedOnebit {
  readonly file: OnebitFile;
  /** Rejects with an OnebitError where the file is damaged: to be awaited before results are used. */
  readonly intact: Promise<void>;
}

/**
 * As readOnebit, but with everything checked except for the checksum: what follows can be prepared
 * while another thread hashes the data.
 */
export async function openOnebit(bytes: Uint8Array): Promise<OpenedOnebit> {
  checkSize(bytes.length);
  const safetensors = readSafetensors(bytes);
  const header = readHeader(safetensors);
  const intact = checkDigest(header, safetensors, bytes);
  // Told where it is awaited.
  intact.catch(() => {});
  try {
    return { file: readContents(header, safetensors), intact };
  } catch (error) {
    // Whatever does not make sense in a damaged file: the damage is what is wrong with it.
    await intact;
    throw error;
  }
}

function readContents(header: Header, { tensors: all }: Safetensors): OnebitFile {
  const stored = splitSmallFloats(header.floats, all);
  const program = expandProgram(header.program, Object.keys(stored));
  const tensors = programTensors(program, stored);
  checkProgram(program, tensors);
  const { preprocess, labels, card } = header;
  return { program, tensors, ...checkExtras({ program, preprocess, labels, card }) };
}

type Header = { readonly [entry: string]: unknown };

function readHeader({ metadata }: Safetensors): Header {
  if (!Object.hasOwn(metadata, METADATA_ENTRY)) {
    throw new OnebitError(NOT_PACKED);
  }
  const header = parseJson(metadata[METADATA_ENTRY]);
  const format = integer(header.format, "onebit.format");
  const needs = string(header.needs, "onebit.needs").slice(0, 20);
  const unknown = strings(header.requires, "onebit.requires").filter(
    (kind) => !KNOWN_KINDS.includes(kind),
  );
  if (format === FORMAT && unknown.length === 0) return header;
  const why = unknown.length ? `has steps of kind ${unknown.join(", ")}` : `has format ${format}`;
  throw new OnebitError(`this file ${why}: it needs onebit >= ${needs}`);
}

function parseJson(text: string): Header {
  try {
    return record(JSON.parse(text), "onebit metadata");
  } catch (error) {
    if (error instanceof OnebitError) throw error;
    const why = (error as Error).message;
    throw new OnebitError(`onebit metadata: not JSON (${why}): fetch or pack it again`);
  }
}

async function checkDigest(
  { sha256, ...header }: Header,
  { tensors }: Safetensors,
  bytes: Uint8Array,
): Promise<void> {
  const length = Object.values(tensors).reduce((total, { data }) => total + data.length, 0);
  const data = bytes.subarray(bytes.length - length);
  const table = Object.entries(tensors).map(([name, tensor]): TensorEntry => {
    return [name, tensor.dtype, tensor.shape, tensor.data.byteOffset - data.byteOffset];
  });
  const actual = await digest(header as Parameters<typeof digest>[0], table, data).catch(
    (error: unknown) => {
      // Brackets without end, which JSON.stringify cannot follow.
      if (error instanceof RangeError) return undefined;
      throw error;
    },
  );
  if (sha256 === actual && actual !== undefined) return;
  throw new OnebitError("the file is damaged: its SHA-256 does not match; fetch or pack it again");
}

function programTensors(program: Program, stored: Safetensors["tensors"]) {
  const shapes = weightShapes(program);
  const scales = new Set(
    Object.keys(stored)
      .filter((key) => stored[key].dtype === "I8")
      .map(scaleKey),
  );
  const tensors: { [key: string]: ProgramTensor } = Object.create(null);
  for (const [key, tensor] of Object.entries(stored)) {
    if (scales.has(key) || isLevelsOf(key, stored)) continue;
    if (tensor.dtype === "U8") {
      tensors[key] = narrowTensor(key, stored, shapes.get(key));
      continue;
    }
    const data = loadRealWeight(key, stored);
    const shape = tensor.dtype === "I16" ? [data.length] : tensor.shape;
    tensors[key] = { type: "float32", shape, data };
  }
  return tensors;
}

/** Shapes of the weights of each layer, as far as the unchecked program says. */
function weightShapes({ steps, values }: Program): Map<string, WeightShape> {
  const shapes = new Map<string, WeightShape>();
  for (const step of steps) {
    if (!("weight" in step) || !values[step.input]) continue;
    const channels = values[step.input].shape[2];
    const { weight, kind, out } = step;
    if (kind === "binary-conv") {
      shapes.set(weight, { bits: true, shape: [out, packedRowBytes(step, channels)] });
      continue;
    }
    const row = kind === "conv" ? [...step.kernel, channels / step.groups] : [channels];
    shapes.set(weight, { bits: false, shape: [out, ...row] });
  }
  return shapes;
}

interface WeightShape {
  readonly bits: boolean;
  readonly shape: readonly number[];
}

/** 1-bit weights, or the codes of quantised ones. */
function narrowTensor(
  key: string,
  stored: Safetensors["tensors"],
  weight: WeightShape | undefined,
): ProgramTensor {
  if (!weight) throw new OnebitError(`tensor "${key}": no binary convolution uses it`);
  if (weight.bits) return bitTensor(key, stored[key], weight.shape);
  const tensor = loadQuantised(key, stored, weight.shape);
  if (tensor) return tensor;
  throw new OnebitError(`tensor "${key}": holds codes, and nothing says what they mean`);
}

function bitTensor(key: string, { data }: StoredTensor, shape: readonly number[]): ProgramTensor {
  const used = shape[0] * shape[1];
  if (data.length !== Math.ceil(used / ALIGNMENT) * ALIGNMENT) {
    throw new OnebitError(`tensor "${key}": holds ${data.length} bytes for [${shape}]`);
  }
  if (data.subarray(used).some((byte) => byte !== 0)) {
    throw new OnebitError(`tensor "${key}": its padding is not zero`);
  }
  return { type: "bits", shape, data: data.subarray(0, used) };
}

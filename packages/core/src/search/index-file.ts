import { OnebitError } from "../errors.js";
import {
  float32Values,
  readSafetensors,
  type StoredTensor,
  storedFloat32,
  writeSafetensors,
} from "../file/safetensors.js";
import { sha256 } from "../file/sha256.js";
import { wrongFile } from "../file/wrong-file.js";
import { VECTOR_FORMS, type VectorForm, type VectorIndex } from "./vector-index.js";

/** Raised when older readers could not read what is written. */
const FORMAT = 1;
const ENTRY = "onebit-index";
const ALIGNMENT = 64;

interface Header {
  readonly format: number;
  readonly form: VectorForm;
  readonly width: number;
  readonly network?: string;
  readonly output?: string;
  /** Of this without it, and of every tensor's name, type, shape and data. */
  readonly sha256: string;
}

type Tensors = { readonly [name: string]: StoredTensor };

/**
 * The bytes of an index: a safetensors file with the tensors "vectors" (U8 [count, bytes] or F32 [count, width]),
 * of bits "thresholds" (F32 [width]), and "names" (a JSON list, UTF-8).
 */
export async function writeIndex(index: VectorIndex): Promise<Uint8Array> {
  const { form, names, width, network, output } = index;
  const count = names.length;
  const text = new TextEncoder().encode(JSON.stringify(names));
  const tensors: Tensors = {
    ...(form === "floats"
      ? { vectors: storedFloat32([count, width], index.vectors) }
      : {
          thresholds: storedFloat32([width], index.thresholds),
          vectors: { dtype: "U8", shape: [count, Math.ceil(width / 8)], data: index.vectors },
        }),
    names: { dtype: "U8", shape: [text.length], data: text },
  };
  const header = { format: FORMAT, form, width, network, output };
  const sum = await checksum(header, tensors);
  const metadata = { [ENTRY]: JSON.stringify({ ...header, sha256: sum }) };
  return writeSafetensors({ metadata, tensors }, ALIGNMENT);
}

/**
 * An index from the bytes of its file.
 *
 * OnebitError, saying what is wrong, where it is another kind of file, of a later format, cut off or damaged.
 */
export async function readIndex(file: Uint8Array): Promise<VectorIndex> {
  const wrong = wrongFile(file, { wanted: "index" });
  if (wrong) throw wrong;
  const { metadata, tensors } = readSafetensors(file);
  const { sha256: written, ...header } = headerOf(metadata[ENTRY]);
  if (written !== (await checksum(header, tensors))) {
    throw damaged("its checksum is not that of what it holds");
  }
  const { form, width, network, output } = header;
  const names = namesOf(tensorOf(tensors, "names", "U8"));
  const facts = { names, width, network, output };
  const columns = form === "bits" ? Math.ceil(width / 8) : width;
  const vectors = tensorOf(tensors, "vectors", form === "bits" ? "U8" : "F32");
  if (`${vectors.shape}` !== `${[names.length, columns]}`) {
    throw damaged(`its vectors are [${vectors.shape}], [${names.length}, ${columns}] is wanted`);
  }
  if (form === "floats") {
    return { form, ...facts, vectors: unitVectors(floats("vectors", vectors), width) };
  }
  checkFilling(vectors.data, width);
  const thresholds = tensorOf(tensors, "thresholds", "F32");
  if (`${thresholds.shape}` !== `${width}`) throw damaged(`it has not ${width} thresholds`);
  return { form, ...facts, vectors: vectors.data, thresholds: floats("thresholds", thresholds) };
}

async function checksum(header: Omit<Header, "sha256">, tensors: Tensors): Promise<string> {
  const sums = Object.entries(tensors).map(async ([name, { dtype, shape, data }]) => {
    return [name, dtype, shape, await sha256(data)] as const;
  });
  const table = (await Promise.all(sums)).sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256(new TextEncoder().encode(JSON.stringify([header, table])));
}

function headerOf(text: string | undefined): Header {
  let header: Partial<Header>;
  try {
    header = JSON.parse(text ?? "") as Partial<Header>;
  } catch {
    throw damaged(`its entry "${ENTRY}" is no JSON`);
  }
  const { format, form, width, network, output } = header ?? {};
  if (Number.isSafeInteger(format) && (format as number) > FORMAT) {
    throw new OnebitError(
      `an index of format ${format}; this onebit reads up to ${FORMAT}: update it, or make the index anew`,
    );
  }
  const isKnown = VECTOR_FORMS.some((known) => known === form);
  const isWidth = Number.isSafeInteger(width) && (width as number) >= 1;
  const areTexts = [network, output].every((fact = "") => typeof fact === "string");
  if (format !== FORMAT || !isKnown || !isWidth || !areTexts) {
    throw damaged(`its entry "${ENTRY}" is none of this format`);
  }
  return header as Header;
}

function tensorOf(tensors: Tensors, name: string, dtype: StoredTensor["dtype"]): StoredTensor {
  const found = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
  if (found?.dtype === dtype) return found;
  throw damaged(`it has no tensor "${name}" of type ${dtype}`);
}

function namesOf({ data }: StoredTensor): string[] {
  let names: unknown;
  try {
    names = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
  } catch {
    throw damaged("its names are no JSON");
  }
  const isList = Array.isArray(names) && names.every((name) => typeof name === "string");
  if (isList && (names as string[]).length) return names as string[];
  throw damaged("its names are no list of texts");
}

function floats(name: string, tensor: StoredTensor): Float32Array {
  const values = float32Values(name, tensor);
  const at = values.findIndex((x) => !Number.isFinite(x));
  if (at < 0) return values;
  throw damaged(`number ${at} of its tensor "${name}" is ${values[at]}`);
}

/** How far off 1 a length may be: rounding of a long vector's numbers is far from it. */
const LENGTH_TOLERANCE = 1e-3;

/** Only of vectors of length 1 are products cosines. */
function unitVectors(vectors: Float32Array, width: number): Float32Array {
  for (let from = 0; from < vectors.length; from += width) {
    let square = 0;
    for (let i = from; i < from + width; i++) square += vectors[i] * vectors[i];
    if (Math.abs(square - 1) < LENGTH_TOLERANCE) continue;
    throw damaged(`its vector ${from / width} has the length ${Math.sqrt(square)} instead of 1`);
  }
  return vectors;
}

/** Bits that fill a vector up to a byte would be counted with the others. */
function checkFilling(vectors: Uint8Array, width: number): void {
  const bytes = Math.ceil(width / 8);
  const filling = width % 8 && (0xff << (width % 8)) & 0xff;
  for (let last = bytes - 1; last < vectors.length; last += bytes) {
    if (vectors[last] & filling) throw damaged(`a bit behind the ${width} of a vector is not 0`);
  }
}

const damaged = (what: string) => new OnebitError(`damaged: ${what}: copy or make the index again`);

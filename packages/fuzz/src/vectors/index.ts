import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { OnebitError } from "onebit";
import { Random } from "onebit/conformance";
import { readSafetensors, type StoredTensor, writeSafetensors } from "onebit/file";
import {
  makeIndex,
  openSearch,
  readIndex,
  VECTOR_FORMS,
  type VectorForm,
  writeIndex,
} from "onebit/search";
import { editInteger, flipBits, moveBytes } from "../checkpoint/byte-edits.js";
import { FLOAT_BITS } from "../edge-values.js";
import { type Fuzzer, type FuzzInput, type Outcome, seedOf } from "../fuzzer.js";
import { editNumber, editShape, editText, type Json, type JsonObject } from "../json-edits.js";

const ENTRY = "onebit-index";

/**
 * Edited indices of vectors: header, names, shapes, types or numbers, most with the checksum that belongs to them; and
 * bytes anywhere. Each must be refused with an OnebitError, or answer: distances that there can be, the same by
 * WebAssembly and the reference.
 */
export const vectorsFuzzer: Fuzzer = {
  name: "vectors",
  extension: "index",

  async input(seed: number, index: number): Promise<FuzzInput> {
    const random = new Random(seedOf(seed, index));
    const sound = await soundIndex(random);
    const isSealed = random.chance(0.8);
    const { bytes, told } = isSealed
      ? sealedEdit(sound, random)
      : random.pick([editInteger, flipBits, moveBytes])(sound, random);
    const edits = [isSealed ? "behind a right checksum" : "bytes"];
    return { bytes, story: told, edits, judge: () => judge(bytes, random) };
  },
};

function soundIndex(random: Random): Promise<Uint8Array> {
  const width = random.int(1, 70);
  const names = Array.from({ length: random.int(1, 6) }, (_, i) => `${i}.jpg`);
  const vectors = names.map(() => vectorOf(width, random));
  const facts = { network: "0".repeat(64), output: "features" };
  return writeIndex(makeIndex(vectors, { form: random.pick(VECTOR_FORMS), names, ...facts }));
}

/** Never nothing but zeros. */
const vectorOf = (width: number, random: Random) =>
  Float32Array.from({ length: width }, () => random.number() - 0.5 || 1);

type Tensors = { [name: string]: StoredTensor };

/** One to three edits of what the file holds, and its checksum made anew. */
function sealedEdit(sound: Uint8Array, random: Random) {
  const { metadata, tensors: read } = readSafetensors(sound);
  const header = JSON.parse(metadata[ENTRY]) as JsonObject;
  const tensors: Tensors = { ...read };
  const told = Array.from({ length: random.int(1, 3) }, () =>
    random.pick([editHeader, editNames, editTensor, editBits])(header, tensors, random),
  );
  const { sha256: _, ...facts } = header;
  const sha256 = checksum(facts, tensors);
  const entry = JSON.stringify({ ...facts, sha256 });
  const bytes = writeSafetensors({ metadata: { [ENTRY]: entry }, tensors });
  return { bytes, told: told.join("\n") };
}

/** As index-file.ts has it, which knows nothing of this one. */
function checksum(facts: JsonObject, tensors: Tensors): string {
  const sha256 = (data: Uint8Array | string) => createHash("sha256").update(data).digest("hex");
  const table = Object.entries(tensors)
    .map(([name, { dtype, shape, data }]) => [name, dtype, shape, sha256(data)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256(JSON.stringify([facts, table]));
}

type Edit = (header: JsonObject, tensors: Tensors, random: Random) => string;

const editHeader: Edit = (header, _, random) =>
  `header: ${random.pick([editNumber, editShape, editText])(header, random)}`;

const editNames: Edit = (_, tensors, random) => {
  const names = jsonOf(tensors.names);
  if (names === undefined) return "no names left";
  const told = random.pick([editShape, editText])(names, random);
  const data = new TextEncoder().encode(JSON.stringify(names));
  tensors.names = { dtype: "U8", shape: [data.length], data };
  return `names: ${told}`;
};

function jsonOf(tensor: StoredTensor | undefined): Json | undefined {
  try {
    return tensor && (JSON.parse(new TextDecoder().decode(tensor.data)) as Json);
  } catch {
    // An earlier edit cut it.
    return undefined;
  }
}

/** A tensor away, under another name, of another type, or of another shape of as many bytes. */
const editTensor: Edit = (_, tensors, random) => {
  const names = Object.keys(tensors);
  if (!names.length) return "no tensors left";
  const name = random.pick(names);
  const { [name]: tensor } = tensors;
  const { dtype, shape, data } = tensor;
  const edits: { readonly [told: string]: () => void } = {
    removed: () => delete tensors[name],
    renamed: () => {
      delete tensors[name];
      tensors.other = tensor;
    },
    "of bytes": () => {
      tensors[name] = { dtype: "U8", shape: [data.length], data };
    },
    turned: () => {
      tensors[name] = { dtype, shape: shape.toReversed(), data };
    },
    "in one row": () => {
      tensors[name] = { dtype, shape: [1, shape.reduce((a, b) => a * b, 1)], data };
    },
    shorter: () => {
      const [rows, ...rest] = shape;
      if (!rows) return;
      const row = data.length / rows;
      tensors[name] = { dtype, shape: [rows - 1, ...rest], data: data.slice(0, -row) };
    },
  };
  const told = random.pick(Object.keys(edits));
  edits[told]();
  return `${name}: ${told}`;
};

/** A number of vectors or thresholds: any bits of four bytes. */
const editBits: Edit = (_, tensors, random) => {
  const name = random.pick(["vectors", "thresholds"]);
  const tensor = tensors[name];
  if (!tensor || tensor.data.length < 4) return `no ${name} to edit`;
  const data = tensor.data.slice();
  const at = 4 * random.int(0, Math.floor(data.length / 4) - 1);
  new DataView(data.buffer).setUint32(at, random.pick(FLOAT_BITS), true);
  tensors[name] = { ...tensor, data };
  return `${name}: bytes ${at} to ${at + 3}`;
};

async function judge(bytes: Uint8Array, random: Random): Promise<Outcome> {
  const index = await readIndex(bytes).catch((error: Error) => error);
  if (index instanceof OnebitError) return { result: "refused", message: index.message };
  if (index instanceof Error) throw index;
  const { form, width, names, network = "", output = "" } = index;
  for (const fact of [network, output]) {
    if (typeof fact !== "string") throw new Error(`${JSON.stringify(fact)}: no text`);
  }
  const query = vectorOf(width, random);
  const [found, other] = await Promise.all(
    (["wasm", "reference"] as const).map(async (backend) => {
      using search = await openSearch(index, { backend });
      return search.nearest(query, names.length);
    }),
  );
  if (!isDeepStrictEqual(found, other)) throw new Error("WebAssembly and the reference differ");
  for (const { name, distance } of found) {
    if (!canBe(distance, form, width)) throw new Error(`${name}: a distance of ${distance}`);
  }
  return { result: "ran", on: ["wasm", "reference"] };
}

function canBe(distance: number, form: VectorForm, width: number): boolean {
  if (form === "bits") return Number.isInteger(distance) && distance >= 0 && distance <= width;
  return distance > -1e-3 && distance < 2 + 1e-3;
}

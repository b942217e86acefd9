import type { Random } from "onebit/conformance";
import { MICRO_OP_NAMES, MICRO_OPS } from "onebit/program";
import { edgeNumber, edgeText, FLOAT_BITS } from "../edge-values.js";
import { editNumber, editShape, editText, type Json, type JsonObject } from "../json-edits.js";
import type { Parts, StoredPart } from "./parts.js";

/** Edits a file in place; says what it did. */
export type FileEdit = (parts: Parts, random: Random) => string;

const entry =
  (name: string, edit: (json: Json, random: Random) => string): FileEdit =>
  ({ header }, random) =>
    `${name}${edit(header[name] ?? {}, random)}`;

/** What can be done to a file, by name; those named twice come twice as often. */
export const FILE_EDITS: readonly (readonly [name: string, edit: FileEdit])[] = [
  ["number in program", entry("program", editNumber)],
  ["number in program", entry("program", editNumber)],
  ["number in steps", ({ header }, random) => editNumber(programOf(header).steps, random)],
  ["number in steps", ({ header }, random) => editNumber(programOf(header).steps, random)],
  ["number in values", ({ header }, random) => editNumber(programOf(header).values, random)],
  ["micro-op", editMicroOps],
  ["micro-op", editMicroOps],
  ["list or type in program", entry("program", editShape)],
  ["name in program", ({ header }, random) => editText(programOf(header).names, random)],
  ["outputs", editOutputs],
  ["preprocess", editPreprocess],
  ["labels", entry("labels", editShape)],
  ["label", entry("labels", editText)],
  ["table of small tensors", entry("floats", editNumber)],
  ["list or type of small tensors", entry("floats", editShape)],
  ["anything in the header", ({ header }, random) => editShape(header, random)],
  ["number in the header", ({ header }, random) => editNumber(header, random)],
  ["tensor table", editTable],
  ["bits in data", flipBits],
  ["numbers in data", writeFloats],
  ["block of data", fillBlock],
];

type CompactProgram = { names: Json; values: Json[]; steps: Json[]; outputs: JsonObject };
const programOf = (header: JsonObject) =>
  (header.program ?? {
    names: [],
    values: [],
    steps: [],
    outputs: {},
  }) as unknown as CompactProgram;

/** Inserts, removes, doubles or exchanges a micro-op of some step. */
function editMicroOps({ header }: Parts, random: Random): string {
  const lists = (programOf(header).steps as Json[][])
    .map((step) => step?.[3])
    .filter((list): list is Json[] => Array.isArray(list) && list.length > 0);
  if (lists.length === 0) return "no micro-ops";
  const list = random.pick(lists);
  const [from, to] = [random.int(0, list.length - 1), random.int(0, list.length)];
  switch (random.int(0, 3)) {
    case 0:
      list.splice(to, 0, randomOp(list.length, random));
      return `inserted at ${to}`;
    case 1:
      list.splice(from, 1);
      return `removed at ${from}`;
    case 2:
      list.splice(to, 0, structuredClone(random.pick(random.pick(lists))));
      return `copied to ${to}`;
    default: {
      const other = Math.min(to, list.length - 1);
      [list[from], list[other]] = [list[other], list[from]];
      return `exchanged ${from} and ${other}`;
    }
  }
}

function randomOp(registers: number, random: Random): Json {
  const number = random.int(0, MICRO_OP_NAMES.length - 1);
  const operands = MICRO_OPS[MICRO_OP_NAMES[number]].map(() => random.int(0, registers));
  return [number, ...operands];
}

function editOutputs({ header }: Parts, random: Random): string {
  const { outputs, values } = programOf(header);
  const names = Object.keys(outputs ?? {});
  const any = () => random.int(-1, (values?.length ?? 0) + 1);
  if (names.length === 0) return "no outputs";
  const name = random.pick(names);
  switch (random.int(0, 2)) {
    case 0:
      outputs[name] = any();
      return `${name} -> ${outputs[name]}`;
    case 1:
      delete outputs[name];
      return `${name} removed`;
    default:
      Object.defineProperty(outputs, edgeText(random), {
        ...{ value: any(), enumerable: true, configurable: true, writable: true },
      });
      return "one more";
  }
}

function editPreprocess({ header }: Parts, random: Random): string {
  header.preprocess ??= { size: [4, 4], channels: 3, crop: "none", interpolation: "bicubic" };
  const edit = random.pick([editNumber, editShape, editText]);
  return `preprocess${edit(header.preprocess, random)}`;
}

const DTYPES = ["F32", "F16", "I16", "I8", "U8", "F64", "BF16", "I64", "I32", "BOOL", "F8"];

function editTable({ tensors }: Parts, random: Random): string {
  if (tensors.length === 0) return "no tensors";
  const at = random.int(0, tensors.length - 1);
  const tensor = tensors[at];
  switch (random.int(0, 6)) {
    case 0:
      tensor.dtype = random.pick(DTYPES);
      return `${tensor.name} is ${tensor.dtype}`;
    case 1:
      return `${tensor.name}${editNumber({ shape: tensor.shape }, random)}`;
    case 2:
      tensor.name = edgeText(random);
      return "a name";
    case 3:
      tensors.splice(at, 1);
      return `${tensor.name} removed`;
    case 4:
      tensors.splice(random.int(0, at), 0, { ...tensor, name: `${tensor.name}x` });
      return `${tensor.name} doubled`;
    case 5:
      tensors.push(...tensors.splice(at, 1));
      return `${tensor.name} moved to the end`;
    default:
      resize(tensor, random);
      return `${tensor.name} has ${tensor.data.length} bytes`;
  }
}

/** Data and shape of another length. */
function resize(tensor: StoredPart, random: Random): void {
  const bytes = Math.max(0, Math.min(2 ** 20, edgeNumber(random, tensor.data.length / 4) * 4));
  const data = new Uint8Array(bytes);
  data.set(tensor.data.subarray(0, bytes));
  tensor.data = data;
  tensor.shape = [bytes / (tensor.dtype === "F32" ? 4 : 1)];
}

/** A tensor that has data. */
function someData({ tensors }: Parts, random: Random): StoredPart | undefined {
  const filled = tensors.filter(({ data }) => data.length >= 4);
  return filled.length > 0 ? random.pick(filled) : undefined;
}

function flipBits(parts: Parts, random: Random): string {
  const tensor = someData(parts, random);
  if (!tensor) return "no data";
  for (let count = random.int(1, 8); count > 0; count--) {
    tensor.data[random.int(0, tensor.data.length - 1)] ^= 1 << random.int(0, 7);
  }
  return tensor.name;
}

function writeFloats(parts: Parts, random: Random): string {
  const tensor = someData(parts, random);
  if (!tensor) return "no data";
  const view = new DataView(tensor.data.buffer, tensor.data.byteOffset, tensor.data.length);
  const at = 4 * random.int(0, Math.floor(tensor.data.length / 4) - 1);
  view.setUint32(at, random.pick(FLOAT_BITS), true);
  return `${tensor.name}, byte ${at}`;
}

function fillBlock(parts: Parts, random: Random): string {
  const tensor = someData(parts, random);
  if (!tensor) return "no data";
  const start = random.int(0, tensor.data.length - 1);
  const value = random.pick([0, 255, 0x7f, 0x80, random.int(0, 255)]);
  tensor.data.fill(value, start, start + random.int(1, 64));
  return `${tensor.name} from ${start}`;
}

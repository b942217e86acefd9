import { readFileSync } from "node:fs";
import { Random } from "onebit/conformance";
import { storedFloat32, writeSafetensors } from "onebit/file";
import type { Graph } from "onebit/graph";
import { buildModel } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import { randomWeights } from "../random-weights.js";
import type { BytesEdit } from "./byte-edits.js";
import { editNpy } from "./npy-edits.js";
import { editPickle } from "./pickle-edits.js";
import { editProtobuf } from "./protobuf-edits.js";
import { editSafetensors } from "./safetensors-edits.js";
import { editZip } from "./zip-edits.js";

/** A sound file, and the edit that knows its structure. */
export interface CheckpointSeed {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly structure: BytesEdit;
}

/** Small files that PyTorch and NumPy wrote; see their README. */
const fixture = (name: string) =>
  readFileSync(new URL(`../../../convert/src/readers/fixtures/${name}`, import.meta.url));

/** A legacy file is five pickles, then the storages. */
const LEGACY_PICKLES = 5;

const makers: readonly (() => CheckpointSeed)[] = [
  () => seed("torch-zip.pth", editZip),
  () => seed("torch-zip-protocol4.pth", editZip),
  () => seed("torch-list.pth", editZip),
  () => seed("torch-legacy.pth", editPickle(LEGACY_PICKLES)),
  () => seed("numpy.npz", editZip),
  () => seed("numpy-compressed.npz", editZip),
  () => seed("fortran.npy", editNpy),
  () => ({ name: "a BNext, safetensors", bytes: bnextFile(), structure: editSafetensors }),
  () => ({ name: "a linear classifier, ONNX", bytes: linearOnnx(), structure: editProtobuf }),
  () => seed("larq.tflite", editRecords),
  () => seed("keras.h5", editRecords),
  () => seed("keras-1.8.h5", editRecords),
  () => seed("binary.onnx", editProtobuf),
  () => ({ name: "three arrays, MXNet params", bytes: paramsFile(), structure: editRecords }),
];

const made = new Map<number, CheckpointSeed>();

/** One of them, made once. */
export function checkpointSeed(random: Random): CheckpointSeed {
  const number = random.int(0, makers.length - 1);
  const known = made.get(number) ?? makers[number]();
  made.set(number, known);
  return known;
}

function seed(name: string, structure: BytesEdit): CheckpointSeed {
  return { name, bytes: new Uint8Array(fixture(name)), structure };
}

/** Whole: the importers take it. */
function bnextFile(): Uint8Array {
  const graph = buildModel("bnext", { widths: [8, 8], classes: 4, input: [3, 8, 8] });
  const tensors = Object.entries(randomWeights(graph, 1)).map(([key, { shape, data }]) => {
    return [key, storedFloat32(shape, data)];
  });
  return writeSafetensors({ metadata: {}, tensors: Object.fromEntries(tensors) });
}

function linearOnnx(): Uint8Array {
  const graph: Graph = buildModel("linear", { classes: 3, input: [3, 4, 4] });
  return toOnnx(graph, { tensors: randomWeights(graph, 1) });
}

/** As readers/mxnet/params.ts describes it, arrays of the first version. */
function paramsFile(): Uint8Array {
  const random = new Random(1);
  const names = ["arg:weight", "arg:bias", "aux:mean"];
  const numbers = (...list: number[]) => Buffer.from(Uint32Array.from(list).buffer);
  const array = (...shape: number[]) => {
    const size = shape.reduce((product, dim) => product * dim, 1);
    const data = Float32Array.from({ length: size }, () => random.number());
    return Buffer.concat([numbers(shape.length, ...shape, 1, 0, 0), Buffer.from(data.buffer)]);
  };
  const arrays = [array(4, 3), array(4), array(4)];
  const text = names.map((name) => Buffer.concat([numbers(name.length, 0), Buffer.from(name)]));
  const head = numbers(0x112, 0, 0, 0, arrays.length, 0);
  return new Uint8Array(Buffer.concat([head, ...arrays, numbers(names.length, 0), ...text]));
}

/** Numbers of 4 bytes at their places. */
const editRecords: BytesEdit = (bytes, random) => {
  const copy = Buffer.from(bytes);
  const at = 4 * random.int(0, Math.floor(bytes.length / 4) - 1);
  const value = random.pick([
    0, 1, 2, 3, 0x7f, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0xf993faca,
  ]);
  copy.writeUInt32LE(value, at);
  return { bytes: new Uint8Array(copy), told: `number at ${at} is ${value}` };
};

import { readFileSync } from "node:fs";
import type { FloatArray, Tensor } from "../graph/types.js";
import { readZip } from "./zip.js";

/** Test only: a well-formed .npy file of float32, float64 or int64 in C order. */
export function readNpy(path: string): Tensor {
  return parseNpy(readFileSync(path));
}

/** Test only: every array of a .npz file, by name without ".npy". */
export function readNpz(path: string): { [name: string]: Tensor } {
  const entries = [...readZip(path)];
  return Object.fromEntries(
    entries.map(([name, bytes]) => [name.replace(/\.npy$/, ""), parseNpy(bytes)]),
  );
}

function parseNpy(bytes: Buffer): Tensor {
  const start = 10 + bytes.readUInt16LE(8);
  const header = bytes.toString("latin1", 10, start);
  const shape = (/'shape': \(([^)]*)\)/.exec(header)![1].match(/\d+/g) ?? []).map(Number);
  const length = shape.reduce((product, dim) => product * dim, 1);
  return {
    shape,
    data: elements(bytes.subarray(start), length, /'descr': '([^']*)'/.exec(header)![1]),
  };
}

function elements(bytes: Buffer, length: number, type: string): FloatArray {
  const fill = <T extends FloatArray>(array: T, read: (i: number) => number): T => {
    for (let i = 0; i < length; i++) array[i] = read(i);
    return array;
  };
  if (type === "<f4") return fill(new Float32Array(length), (i) => bytes.readFloatLE(4 * i));
  if (type === "<f8") return fill(new Float64Array(length), (i) => bytes.readDoubleLE(8 * i));
  if (type === "<i8")
    return fill(new Float64Array(length), (i) => Number(bytes.readBigInt64LE(8 * i)));
  throw new Error(`npy type ${type} is not read here`);
}

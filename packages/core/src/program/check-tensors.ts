import { OnebitError } from "../errors.js";
import type { ProgramTensor, ProgramTensors, TensorKey } from "./types.js";

/** Every tensor holds as much data as its shape says, and finite numbers. */
export function checkTensors(tensors: ProgramTensors): void {
  for (const [key, { shape, data, type }] of Object.entries(tensors)) {
    const sound = Array.isArray(shape) && shape.every((dim) => Number.isInteger(dim) && dim > 0);
    const size = sound ? shape.reduce((product, dim) => product * dim, 1) : -1;
    if (data.length !== size) {
      throw new OnebitError(
        `tensor "${key}": shape [${shape}] does not fit its ${data.length} elements`,
      );
    }
    if (type !== "float32") continue;
    if (!(data instanceof Float32Array)) throw new OnebitError(`tensor "${key}": must be float32`);
    checkFinite(key, data);
  }
}

function checkFinite(key: string, data: Float32Array): void {
  const bits = new Int32Array(data.buffer, data.byteOffset, data.length);
  for (let from = 0; from < bits.length; from += CHUNK) {
    if (areFinite(bits, from, Math.min(from + CHUNK, bits.length))) continue;
    const i = data.findIndex((x) => !Number.isFinite(x));
    throw new OnebitError(`tensor "${key}": element ${i} is ${data[i]}, not a finite number`);
  }
}

/** A function that has just become fast is fast from its next call on. */
const CHUNK = 4096;
const EXPONENT = 0x7f800000;
const EXPONENT_STEP = 0x00800000;

/** NaN and the infinities alone have an exponent of ones: one more carries into the sign. */
function areFinite(bits: Int32Array, from: number, to: number): boolean {
  let carry = 0;
  for (let i = from; i < to; i++) carry |= (bits[i] & EXPONENT) + EXPONENT_STEP;
  return carry >= 0;
}

/** The tensor of that name, type and shape. */
export function requireTensor(
  tensors: ProgramTensors,
  key: TensorKey,
  type: ProgramTensor["type"],
  shape: readonly number[],
  where: string,
): ProgramTensor {
  const tensor = Object.hasOwn(tensors, key) ? tensors[key] : undefined;
  if (!tensor) throw new OnebitError(`${where}: there is no tensor "${key}"`);
  if (tensor.type !== type || !isShape(tensor.shape, shape)) {
    throw new OnebitError(
      `${where}: tensor "${key}" must be ${type} [${shape}], is ${tensor.type} [${tensor.shape}]`,
    );
  }
  return tensor;
}

function isShape(shape: readonly number[], wanted: readonly number[]): boolean {
  return shape.length === wanted.length && shape.every((dim, axis) => dim === wanted[axis]);
}

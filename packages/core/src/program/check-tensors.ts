import { OnebitError } from "../errors.js";
import { type FiniteCheck, finiteCheck } from "./all-finite.js";
import { MAX_NAME_LENGTH } from "./limits.js";
import type { ProgramTensor, ProgramTensors, TensorKey } from "./types.js";

/** Every tensor holds as much data as its shape says, and finite numbers. */
export function checkTensors(tensors: ProgramTensors): void {
  const allFinite = finiteCheck();
  for (const [key, { shape, data, type }] of Object.entries(tensors)) {
    if (key.length > MAX_NAME_LENGTH) {
      throw new OnebitError(
        `tensor "${key}": its name has ${key.length} characters, at most ` +
          `${MAX_NAME_LENGTH} are allowed`,
      );
    }
    const sound = Array.isArray(shape) && shape.every((dim) => Number.isInteger(dim) && dim > 0);
    const size = sound ? shape.reduce((product, dim) => product * dim, 1) : -1;
    if (data.length !== size) {
      throw new OnebitError(
        `tensor "${key}": shape [${shape}] does not fit its ${data.length} elements`,
      );
    }
    if (type !== "float32") continue;
    if (!(data instanceof Float32Array)) {
      throw new OnebitError(`tensor "${key}": must be float32`);
    }
    checkFinite(key, data, allFinite);
  }
}

function checkFinite(key: string, data: Float32Array, allFinite: FiniteCheck): void {
  if (allFinite(data)) return;
  const i = data.findIndex((x) => !Number.isFinite(x));
  throw new OnebitError(`tensor "${key}": element ${i} is ${data[i]}, not a finite number`);
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
      `${where}: tensor "${key}" must be ${type} [${shape}], is ${tensor.type} ` +
        `[${tensor.shape}]`,
    );
  }
  return tensor;
}

function isShape(shape: readonly number[], wanted: readonly number[]): boolean {
  return shape.length === wanted.length && shape.every((dim, axis) => dim === wanted[axis]);
}

import { OnebitError } from "../errors.js";
import { fromFloat16, toFloat16 } from "./float16.js";
import type { StoredTensor } from "./safetensors.js";
import { float32Values, storedFloat32 } from "./safetensors.js";
import { loadVector } from "./vectors.js";

/** How the weights of real convolutions and linear layers are stored; in memory they are float32. */
export type RealWeights = "float32" | "float16" | "int8";

/** How real weights can be stored. */
export const REAL_WEIGHTS: readonly RealWeights[] = ["float32", "float16", "int8"];

/** Name of the tensor with one factor per row of an I8 tensor. */
export const scaleKey = (key: string) => `${key}:scale`;

type Stored = { readonly [key: string]: StoredTensor };

/** The tensors that store a weight, [rows, ...]: one, or for int8 the values and a factor per row. */
export function storeRealWeight(
  key: string,
  shape: readonly number[],
  data: Float32Array,
  form: RealWeights,
): Stored {
  switch (form) {
    case "float32":
      return { [key]: storedFloat32(shape, data) };
    case "float16":
      return { [key]: { dtype: "F16", shape, data: halves(key, data) } };
    case "int8":
      return storeInt8(key, shape, data);
    default:
      return form satisfies never;
  }
}

function halves(key: string, data: Float32Array): Uint8Array {
  // Uint16Array.from() would make a list of all the numbers first.
  const stored = new Uint16Array(data.length);
  for (let i = 0; i < data.length; i++) stored[i] = toFloat16(data[i]);
  const bad = stored.findIndex((half) => (half & 0x7c00) === 0x7c00);
  if (bad < 0) return new Uint8Array(stored.buffer);
  throw new OnebitError(
    `${key}: element ${bad} is ${data[bad]}, too large for float16; store real weights as float32 or int8`,
  );
}

/** w = q * scale[row] with scale = max|w| / 127 and q rounded to nearest. */
function storeInt8(key: string, shape: readonly number[], data: Float32Array): Stored {
  const [rows] = shape;
  const length = data.length / rows;
  const scales = new Float32Array(rows);
  const values = new Int8Array(data.length);
  for (let row = 0; row < rows; row++) {
    const weights = data.subarray(row * length, (row + 1) * length);
    let most = 0;
    for (const w of weights) most = Math.max(most, Math.abs(w));
    scales[row] = most / 127;
    const scale = scales[row];
    if (scale === 0) continue;
    for (let i = 0; i < length; i++) {
      const q = Math.round(weights[i] / scale);
      values[row * length + i] = Math.min(Math.max(q, -127), 127);
    }
  }
  return {
    [scaleKey(key)]: storedFloat32([rows], scales),
    [key]: { dtype: "I8", shape, data: new Uint8Array(values.buffer) },
  };
}

/** The float32 values of a stored F32, F16, I16 or I8 tensor. */
export function loadRealWeight(key: string, stored: Stored): Float32Array {
  const tensor = stored[key];
  switch (tensor.dtype) {
    case "F32":
      return float32View(key, tensor);
    case "F16":
      return expandHalves(tensor);
    case "I16":
      return loadVector(key, tensor);
    case "I8":
      return expandInt8(tensor, scalesOf(key, stored));
    default:
      throw new OnebitError(`tensor "${key}": type ${tensor.dtype} is not used here`);
  }
}

function expandHalves({ data }: StoredTensor): Float32Array {
  const values = new Float32Array(data.length / 2);
  for (let i = 0; i < values.length; i++) {
    values[i] = fromFloat16(data[2 * i] | (data[2 * i + 1] << 8));
  }
  return values;
}

function expandInt8({ data }: StoredTensor, scales: Float32Array): Float32Array {
  const values = new Float32Array(data.length);
  const length = data.length / scales.length;
  for (let row = 0; row < scales.length; row++)
    for (let i = row * length; i < (row + 1) * length; i++) {
      values[i] = ((data[i] << 24) >> 24) * scales[row];
    }
  return values;
}

function scalesOf(key: string, stored: Stored): Float32Array {
  const name = scaleKey(key);
  const scale = Object.hasOwn(stored, name) ? stored[name] : undefined;
  const [rows] = stored[key].shape;
  if (scale?.dtype === "F32" && rows > 0 && scale.shape.join() === `${rows}`) {
    return float32View(name, scale);
  }
  throw new OnebitError(`tensor "${key}": is I8 and has no "${name}", F32 [${rows}]`);
}

/** A view of the file where it is aligned, else a copy. */
function float32View(key: string, tensor: StoredTensor): Float32Array {
  const { buffer, byteOffset, length } = tensor.data;
  if (byteOffset % 4 || tensor.dtype !== "F32") return float32Values(key, tensor);
  return new Float32Array(buffer, byteOffset, length / 4);
}

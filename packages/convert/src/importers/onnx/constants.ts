import { OnebitError } from "onebit";
import { sizeOf, type Tensor } from "onebit/graph";
import { decodeElements, toFloat32 } from "../../readers/dtype.js";
import type { OnnxConstant, OnnxGraph, OnnxNode } from "../../readers/onnx/graph.js";
import { printable } from "../../readers/text.js";
import { sliced } from "./slices.js";
import { straightThrough } from "./straight-through.js";

/** Of values that weights alone decide: as many numbers as this many times the file's. */
const MOST = 16;

type Unary = (x: number) => number;
type Binary = (a: number, b: number) => number;

/** Inputs that an operator cannot do without, where it is more than one. */
const required: { readonly [op: string]: number } = {
  ...{ Where: 3, Reshape: 2, Expand: 2, Slice: 3, BipolarQuant: 2, Quant: 4 },
};

const unary: { readonly [op: string]: Unary } = {
  Sign: Math.sign,
  Abs: Math.abs,
  Neg: (x) => -x,
  Sqrt: Math.sqrt,
  Exp: Math.exp,
  Tanh: Math.tanh,
  Relu: (x) => Math.max(x, 0),
  Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  Reciprocal: (x) => 1 / x,
  Not: (x) => Number(!x),
  Identity: (x) => x,
};

const binary: { readonly [op: string]: Binary } = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Pow: (a, b) => a ** b,
  Max: Math.max,
  Min: Math.min,
  Greater: (a, b) => Number(a > b),
  GreaterOrEqual: (a, b) => Number(a >= b),
  Less: (a, b) => Number(a < b),
  LessOrEqual: (a, b) => Number(a <= b),
  Equal: (a, b) => Number(a === b),
};

/**
 * Values of an ONNX graph that its constants decide: weights as a training script makes them of latent ones
 * (signs, their scale, straight-through sums). Float32, as a runtime would compute them; made when asked for.
 */
export class Constants {
  readonly #known = new Map<string, Tensor | undefined>();
  readonly #producers: ReadonlyMap<string, OnnxNode>;
  #left: number;

  constructor(readonly graph: OnnxGraph) {
    this.#producers = new Map(
      graph.nodes.flatMap((node) => node.outputs.map((out) => [out, node])),
    );
    const stored = [...graph.constants.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    this.#left = MOST * stored + 2 ** 16;
  }

  producer(value: string): OnnxNode | undefined {
    return this.#producers.get(value);
  }

  /** Undefined for what depends on the image. */
  get(value: string): Tensor | undefined {
    this.#compute(value);
    return this.#known.get(value);
  }

  /** Nodes lie as deep as the file likes: without recursion. */
  #compute(wanted: string): void {
    const stack = [wanted];
    const begun = new Set<string>();
    while (stack.length > 0) {
      const value = stack.at(-1)!;
      const inputs = this.#known.has(value) ? [] : this.#inputsOf(value);
      const waiting = inputs.filter((input) => !this.#known.has(input));
      if (waiting.length === 0) {
        if (!this.#known.has(value)) this.#known.set(value, this.#evaluate(value));
        stack.pop();
        continue;
      }
      if (begun.has(value)) throw new OnebitError(`${printable(value)}: depends on itself`);
      begun.add(value);
      stack.push(...waiting);
    }
  }

  #inputsOf(value: string): readonly string[] {
    if (this.graph.constants.has(value)) return [];
    return (this.#producers.get(value)?.inputs ?? []).filter((input) => input !== "");
  }

  #evaluate(value: string): Tensor | undefined {
    const stored = this.graph.constants.get(value);
    if (stored) return this.#counted(tensorOf(stored));
    const node = this.#producers.get(value);
    if (!node || node.outputs[0] !== value) return undefined;
    if (node.op === "Constant") return this.#counted(constantNode(node));
    const inputs = node.inputs.map((input) => (input === "" ? undefined : this.#known.get(input)));
    if (inputs.length === 0 || inputs.some((one, i) => !one && node.inputs[i] !== ""))
      return undefined;
    const passed = straightThrough(node, (name) => this.#producers.get(name));
    if (passed !== undefined) return this.#known.get(passed);
    return this.#counted(evaluated(node, inputs as Tensor[], this.#left));
  }

  #counted(tensor: Tensor | undefined): Tensor | undefined {
    this.#left -= tensor?.data.length ?? 0;
    if (this.#left >= 0) return tensor;
    throw tooMany();
  }
}

const tooMany = () =>
  new OnebitError("its constants unfold to many times the file's size: not a network");

/** How many elements a shape has, before they are made. */
function bounded(shape: readonly number[], most: number): number {
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0))
    throw new OnebitError(`a constant is to have the shape [${shape}], which is none`);
  const size = sizeOf(shape);
  if (size <= most) return size;
  throw tooMany();
}

export function tensorOf({ shape, dtype, bytes }: OnnxConstant): Tensor {
  const values = decodeElements(bytes, dtype);
  // Whole numbers are sizes and axes: float32 might round them.
  const data = dtype.includes("int") ? Float64Array.from(values, Number) : toFloat32(values);
  return { shape, data };
}

function constantNode(node: OnnxNode): Tensor | undefined {
  const { attributes } = node;
  const tensor = attributes.get("value");
  if (typeof tensor === "object" && "bytes" in tensor) return tensorOf(tensor);
  for (const name of ["value_float", "value_int", "value_floats", "value_ints"]) {
    const value = attributes.get(name);
    if (typeof value === "number") return { shape: [], data: Float64Array.of(value) };
    if (Array.isArray(value)) return { shape: [value.length], data: Float64Array.from(value) };
  }
  return undefined;
}

/** most: elements that the result may have. */
function evaluated(node: OnnxNode, inputs: readonly Tensor[], most: number): Tensor | undefined {
  const { op, domain, attributes } = node;
  const [x, y, z] = inputs;
  const least = required[op] ?? 1;
  for (let place = 0; place < least; place++) if (!inputs[place]) return undefined;
  if (op === "BipolarQuant") return combined(x, y, (w, scale) => (w >= 0 ? scale : -scale), most);
  if (op === "Quant") return quantised(node, inputs, most);
  if (domain !== "") return undefined;
  if (op in unary && inputs.length === 1)
    return { shape: x.shape, data: x.data.map(rounded(x, unary[op])) };
  if (op in binary && inputs.length === 2) return combined(x, y, binary[op], most);
  switch (op) {
    case "Where":
      return where(x, y, z, most);
    case "Clip": {
      const bound = (tensor: Tensor | undefined, name: string, absent: number) =>
        tensor?.data[0] ?? (attributes.get(name) as number | undefined) ?? absent;
      const [low, high] = [bound(y, "min", -Infinity), bound(z, "max", Infinity)];
      return { shape: x.shape, data: x.data.map((value) => Math.min(Math.max(value, low), high)) };
    }
    case "ReduceMean":
    case "ReduceSum":
      return reduced(x, y, node);
    case "Expand":
      return combined(x, { shape: [...y.data], data: new Float64Array() }, (a) => a, most);
    case "ConstantOfShape": {
      const value = attributes.get("value");
      const one = typeof value === "object" && "bytes" in value ? tensorOf(value).data : [0];
      const number = { shape: [], data: Float32Array.from(one) };
      return combined(number, { shape: [...x.data], data: new Float64Array() }, (a) => a, most);
    }
    case "Slice":
      return sliced(inputs);
    case "Cast":
      return cast(x, attributes.get("to"));
    case "Reshape":
      return reshaped(x, [...y.data]);
    case "Flatten":
      return reshaped(x, [x.shape[0] ?? 1, -1]);
    case "Unsqueeze":
      return unsqueezed(x, y ? [...y.data] : (attributes.get("axes") as readonly number[]));
    case "Squeeze":
      return { shape: x.shape.filter((size) => size !== 1), data: x.data };
    case "Transpose":
      return transposed(x, attributes.get("perm") as readonly number[] | undefined);
    case "Concat":
      return x.shape.length === 1
        ? {
            shape: [bounded([inputs.reduce((n, one) => n + one.data.length, 0)], most)],
            data: Float64Array.from(inputs.flatMap((one) => [...one.data])),
          }
        : undefined;
    default:
      return undefined;
  }
}

/** To real numbers, whole ones or truths (numbers of onnx.proto3). */
function cast({ shape, data }: Tensor, type: unknown): Tensor | undefined {
  if (type === 9) return { shape, data: data.map((x) => Number(x !== 0)) };
  if (type === 1 || type === 10 || type === 16) return { shape, data: Float32Array.from(data) };
  if (type === 11) return { shape, data: Float64Array.from(data) };
  if (type === 6 || type === 7) return { shape, data: Float64Array.from(data, Math.trunc) };
  return undefined;
}

const rounded =
  ({ data }: Tensor, f: Unary): Unary =>
  (value) =>
    data instanceof Float32Array ? Math.fround(f(value)) : f(value);

/** Broadcast as NumPy does. */
function combined(a: Tensor, b: Tensor, f: Binary, most: number): Tensor | undefined {
  const shape = broadcast(a.shape, b.shape);
  if (!shape) return undefined;
  const size = bounded(shape, most);
  const [at, bt] = [placesIn(a.shape, shape), placesIn(b.shape, shape)];
  const single = a.data instanceof Float32Array || b.data instanceof Float32Array;
  const data = single ? new Float32Array(size) : new Float64Array(size);
  for (let i = 0; i < data.length; i++) data[i] = f(a.data[at(i)], b.data[bt(i)]);
  return { shape, data };
}

function where(condition: Tensor, yes: Tensor, no: Tensor, most: number): Tensor | undefined {
  const inner = broadcast(yes.shape, no.shape);
  const shape = inner && broadcast(condition.shape, inner);
  if (!shape) return undefined;
  const [c, y, n] = [condition, yes, no].map((one) => placesIn(one.shape, shape));
  const data = new Float32Array(bounded(shape, most));
  for (let i = 0; i < data.length; i++) {
    data[i] = condition.data[c(i)] ? yes.data[y(i)] : no.data[n(i)];
  }
  return { shape, data };
}

function broadcast(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const size = (shape: readonly number[], axis: number) => shape[axis - rank + shape.length] ?? 1;
  const shape = Array.from({ length: rank }, (_, axis) =>
    size(a, axis) === 1 ? size(b, axis) : size(a, axis),
  );
  const fits = shape.every((dim, axis) =>
    [a, b].every((one) => [1, dim].includes(size(one, axis))),
  );
  return fits ? shape : undefined;
}

/** From a place in the broadcast shape to one in `own`. */
function placesIn(own: readonly number[], shape: readonly number[]): (i: number) => number {
  if (own.join() === shape.join()) return (i) => i;
  const offset = shape.length - own.length;
  return (i) => {
    let [rest, place, stride] = [i, 0, 1];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const at = rest % shape[axis];
      rest = Math.floor(rest / shape[axis]);
      const size = axis < offset ? 1 : own[axis - offset];
      if (size > 1) place += at * stride;
      stride *= size;
    }
    return place;
  };
}

function reduced(
  { shape, data }: Tensor,
  given: Tensor | undefined,
  { op, attributes }: OnnxNode,
): Tensor {
  const listed = given
    ? [...given.data]
    : ((attributes.get("axes") as readonly number[]) ?? shape.map((_, i) => i));
  const axes = listed.map((axis) => (axis < 0 ? axis + shape.length : axis));
  const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const sums = new Float64Array(sizeOf(kept));
  const place = placesIn(kept, shape);
  for (let i = 0; i < data.length; i++) sums[place(i)] += data[i];
  const count = op === "ReduceMean" ? data.length / sums.length : 1;
  const keep = (attributes.get("keepdims") ?? 1) !== 0;
  const result = Float32Array.from(sums, (sum) => sum / count);
  return { shape: keep ? kept : shape.filter((_, axis) => !axes.includes(axis)), data: result };
}

function reshaped({ shape, data }: Tensor, target: readonly number[]): Tensor | undefined {
  const wanted = target.map((size, axis) => (size === 0 ? (shape[axis] ?? 1) : size));
  const known = wanted.filter((size) => size > 0).reduce((n, size) => n * size, 1);
  const full = wanted.map((size) => (size < 0 ? data.length / known : size));
  return sizeOf(full) === data.length ? { shape: full, data } : undefined;
}

function unsqueezed({ shape, data }: Tensor, axes: readonly number[] = []): Tensor {
  const rank = shape.length + axes.length;
  const places = axes.map((axis) => (axis < 0 ? axis + rank : axis)).toSorted((a, b) => a - b);
  const full = [...shape];
  for (const place of places) full.splice(place, 0, 1);
  return { shape: full, data };
}

function transposed(
  { shape, data }: Tensor,
  perm: readonly number[] = shape.map((_, i) => shape.length - 1 - i),
): Tensor {
  const sizes = perm.map((axis) => shape[axis]);
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const result = data.slice();
  for (let i = 0; i < result.length; i++) {
    let [rest, place] = [i, 0];
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      place += (rest % sizes[axis]) * strides[perm[axis]];
      rest = Math.floor(rest / sizes[axis]);
    }
    result[i] = data[place];
  }
  return { shape: sizes, data: result };
}

/** QONNX's Quant of a weight: (clamp(round(w / scale + zero), low, high) - zero) * scale. */
function quantised(
  { attributes }: OnnxNode,
  [w, scale, zero, bits]: readonly Tensor[],
  most: number,
): Tensor | undefined {
  const [signed, narrow] = ["signed", "narrow"].map((name) => attributes.get(name) ?? 1);
  if ((attributes.get("rounding_mode") ?? "ROUND") !== "ROUND" || !bits) return undefined;
  const levels = 2 ** bits.data[0];
  const high = signed ? levels / 2 - 1 : levels - 1 - (narrow ? 1 : 0);
  const low = signed ? -levels / 2 + (narrow ? 1 : 0) : 0;
  const divided = combined(w, scale, (x, s) => x / s, most);
  const codes =
    divided &&
    combined(divided, zero, (x, z) => Math.min(Math.max(halfEven(x + z), low), high) - z, most);
  return codes && combined(codes, scale, (q, s) => q * s, most);
}

function halfEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

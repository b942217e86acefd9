import { OnebitError } from "onebit";
import { sizeOf } from "onebit/graph";
import { bytesPerElement, type DType, decodeElements, toFloat32 } from "../../readers/dtype.js";
import { printable } from "../../readers/text.js";
import type { TfliteModel, TfliteOperator, TfliteTensor } from "../../readers/tflite/model.js";
import { DescribedNetwork } from "../described/network.js";
import type { Value } from "../described/values.js";
import type { Numbers } from "../described/weights.js";

/** Adds what an operator computes and gives its value; several, where it has several outputs. */
export type Operator = (o: Operation) => Value | readonly Value[];

/** A graph under construction, and which of its values each tensor of the file became. */
export class Translation {
  readonly net: DescribedNetwork;
  /** Tensors that are the output, whole or in 8 bits. */
  readonly ends: ReadonlySet<number>;
  /** Scores before the softmax that was left out: what its 8 bits can hold says nothing of them. */
  readonly scores = new Set<Value>();
  readonly #values = new Map<number, Value>();

  constructor(readonly model: TfliteModel) {
    this.net = new DescribedNetwork("tflite", model.byteLength);
    this.ends = endsOf(model);
  }

  define(index: number, value: Value): void {
    this.#values.set(index, value);
  }

  value(index: number): Value | undefined {
    return this.#values.get(index);
  }
}

function endsOf({ outputs, operators }: TfliteModel): Set<number> {
  const ends = new Set(outputs);
  for (const { op, inputs, outputs: made } of operators.toReversed()) {
    if (op.endsWith("QUANTIZE") && made.some((index) => ends.has(index))) ends.add(inputs[0]);
  }
  return ends;
}

/** One operator: its inputs, its options, and how to say where something is wrong. */
export class Operation {
  readonly net: DescribedNetwork;
  /** Name of its nodes: that of its output up to the first ";", where converters join several. */
  readonly name: string;

  constructor(
    readonly t: Translation,
    readonly operator: TfliteOperator,
  ) {
    this.net = t.net;
    const [output] = operator.outputs;
    const tensor = t.model.tensors[output];
    if (!tensor) throw this.error("has no output");
    this.name = this.net.scope(shortName(tensor));
  }

  get op(): string {
    return this.operator.op;
  }

  get output(): TfliteTensor {
    return this.t.model.tensors[this.operator.outputs[0]];
  }

  /** Whether the network's scores are its output. */
  get isLast(): boolean {
    return this.t.ends.has(this.operator.outputs[0]);
  }

  /** Whether an optional input is there. */
  has(place: number): boolean {
    return (this.operator.inputs[place] ?? -1) >= 0;
  }

  tensor(place: number): TfliteTensor {
    const index = this.operator.inputs[place] ?? -1;
    if (index >= 0) return this.t.model.tensors[index];
    throw this.error(`has no input ${place}`);
  }

  /** Whether an input is a number or list of the file, not a value of the network. */
  isConstant(place: number): boolean {
    const tensor = this.tensor(place);
    return tensor.data !== undefined && !this.t.value(tensor.index);
  }

  /** The value of the network that is an input. */
  value(place: number): Value {
    const tensor = this.tensor(place);
    const value = this.t.value(tensor.index);
    if (value) return value;
    const what = tensor.data ? "a constant" : "computed by no operator before";
    throw this.error(`its input ${place}, ${printable(tensor.name)}, is ${what}`);
  }

  /** The numbers of a constant input: 8-bit ones as what they stand for. */
  numbers(place: number): Numbers {
    const tensor = this.tensor(place);
    const { shape, quantised } = tensor;
    const values = this.#stored(tensor);
    if (!quantised) return { shape, floats: async () => toFloat32(values()).slice() };
    const { scale, axis } = quantised;
    this.expect(
      scale.length === 1 || scale.length === shape[axis],
      `${printable(tensor.name)} has ${scale.length} scales for a shape of [${shape}]`,
    );
    return { shape, floats: async () => dequantised(values(), tensor) };
  }

  /** A short list of whole numbers: axes, sizes. */
  integers(place: number): number[] {
    const tensor = this.tensor(place);
    if (sizeOf(tensor.shape) > 64) throw this.error(`its input ${place} has too many numbers`);
    return Array.from(this.#stored(tensor)(), Number);
  }

  /** A constant input of one number. */
  number(place: number): number {
    const tensor = this.tensor(place);
    const values = this.#stored(tensor)();
    return tensor.quantised ? dequantised(values, tensor)[0] : Number(values[0]);
  }

  /**
   * A value that the file keeps in 8 bits ends where these end. That it is rounded to them, too, is left out,
   * and said.
   */
  saturated(x: Value, place: number): Value {
    const { type, quantised, shape } = this.t.model.tensors[this.operator.outputs[place]];
    const levels = { int8: [-128, 127], uint8: [0, 255] }[type];
    if (!levels || (this.isLast && this.t.scores.has(x))) return x;
    this.expect(quantised?.scale.length === 1, "its output has no scale, or several");
    this.net.notes.add(
      "maps that the file rounds to 8 bits are float32 here: they saturate as there, and are not rounded",
    );
    const [low, high] = levels.map((q) => dequantised([q], { shape, quantised })[0]);
    return this.net.clamp(x, low, high, this.net.scope(`${this.name}.saturated`));
  }

  /** 32-bit words of packed weights, unsigned. */
  words(place: number): () => Uint32Array {
    const tensor = this.tensor(place);
    if (tensor.type !== "int32") throw this.error(`its weights are ${tensor.type}, not int32`);
    const stored = this.#stored(tensor);
    return () => Uint32Array.from(stored() as Int32Array, (word) => word >>> 0);
  }

  #stored({ name, data, type, shape }: TfliteTensor) {
    if (!data) throw this.error(`${printable(name)} must be a constant of the file`);
    if (!readable.includes(type)) throw this.error(`${printable(name)} is of the type ${type}`);
    const dtype = type as DType;
    const length = data.byteLength / bytesPerElement[dtype];
    if (length === sizeOf(shape)) return () => decodeElements(data.slice(), dtype);
    throw this.error(`${printable(name)} has ${length} numbers, its shape is [${shape}]`);
  }

  error(why: string): OnebitError {
    return new OnebitError(
      `operator ${this.operator.index}, ${printable(this.op)}, that makes ${printable(this.name ?? "nothing")}: ${why}`,
    );
  }

  /** An option of the schema must be as onebit knows it. */
  expect(holds: boolean, why: string): void {
    if (!holds) throw this.error(why);
  }
}

const readable: readonly string[] = [
  "float32",
  "float16",
  "int8",
  "uint8",
  "int16",
  "int32",
  "int64",
];

export const shortName = ({ name }: TfliteTensor): string =>
  printable(name.split(";")[0]) || "value";

/** real = scale * (q - zero), one of each for all or for each place along an axis. */
function dequantised(
  values: ArrayLike<number | bigint>,
  { shape, quantised }: Pick<TfliteTensor, "shape" | "quantised">,
): Float32Array<ArrayBuffer> {
  const { scale, zero, axis } = quantised!;
  const inner = sizeOf(shape.slice(axis + 1));
  const along = scale.length;
  const data = new Float32Array(values.length);
  for (let i = 0; i < data.length; i++) {
    const place = along === 1 ? 0 : Math.floor(i / inner) % along;
    data[i] = scale[place] * (Number(values[i]) - zero[place]);
  }
  return data;
}

import { OnebitError } from "onebit";
import { sizeOf, type Tensor } from "onebit/graph";
import type { OnnxAttribute, OnnxNode } from "../../readers/onnx/graph.js";
import { printable } from "../../readers/text.js";
import type { DescribedNetwork } from "../described/network.js";
import type { Value } from "../described/values.js";
import { filled, type Numbers } from "../described/weights.js";
import type { Constants } from "./constants.js";

/** Adds what a node computes to the graph and gives its value; several, where it has several outputs. */
export type Operator = (o: Operation) => Value | readonly Value[];

/** One node while it is translated: its values, constants and attributes, with words for what is wrong. */
export class Operation {
  readonly name: string;

  constructor(
    readonly net: DescribedNetwork,
    readonly node: OnnxNode,
    readonly constants: Constants,
    readonly values: ReadonlyMap<string, Value>,
    readonly isLast: boolean,
  ) {
    this.name = net.scope(printable(node.name || node.outputs[0] || node.op));
  }

  get count(): number {
    return this.node.inputs.length;
  }

  has(place: number): boolean {
    return (this.node.inputs[place] ?? "") !== "";
  }

  isConstant(place: number): boolean {
    return this.has(place) && this.constants.get(this.node.inputs[place]) !== undefined;
  }

  value(place: number): Value {
    const name = this.node.inputs[place] ?? "";
    const value = this.values.get(name);
    if (value) return value;
    const what = this.isConstant(place) ? "a constant" : "not there";
    throw this.error(`its input ${place} (${printable(name)}) is ${what}`);
  }

  constant(place: number): Tensor {
    const name = this.node.inputs[place] ?? "";
    const tensor = name === "" ? undefined : this.constants.get(name);
    if (tensor) return tensor;
    throw this.error(`its input ${place} (${printable(name)}) must be a constant of the file`);
  }

  /** Axes of a value in the file. */
  rank(x: Value): number {
    return x.flat ? 2 : this.net.shape(x).length;
  }

  /** A constant, one number for each channel; a single number counts for all. */
  perChannel({ data, shape }: Tensor, x: Value): Numbers {
    const [, channels, ...rest] = this.net.shape(x);
    const along = x.flat ? sizeOf([channels, ...rest]) : channels;
    if (data.length === 1) return filled([along], data[0]);
    // Broadcasting counts axes from the last.
    const behind = x.flat ? 0 : rest.length;
    const axis = shape.length - 1 - behind;
    const fits = data.length === along && shape[axis] === along;
    if (fits) return numbers([along], Float32Array.from(data));
    throw this.error(
      `a constant of [${shape}] on [${this.net.shape(x)}]; one number, or one for each channel can be had`,
    );
  }

  integers(name: string, absent: readonly number[]): readonly number[] {
    const value = this.attribute(name) ?? absent;
    if (Array.isArray(value) && value.every(Number.isSafeInteger)) return value;
    throw this.error(`its ${name} must be a list of whole numbers`);
  }

  integer(name: string, absent: number): number {
    const value = this.attribute(name) ?? absent;
    if (typeof value === "number" && Number.isSafeInteger(value)) return value;
    throw this.error(`its ${name} must be a whole number`);
  }

  float(name: string, absent: number): number {
    const value = this.attribute(name) ?? absent;
    if (typeof value === "number") return value;
    throw this.error(`its ${name} must be a number`);
  }

  attribute(name: string): OnnxAttribute {
    return this.node.attributes.get(name);
  }

  error(why: string): OnebitError {
    return new OnebitError(`node ${this.name} (${printable(this.node.op)}): ${why}`);
  }

  expect(holds: boolean, why: string): void {
    if (!holds) throw this.error(why);
  }
}

export const numbers = (shape: readonly number[], data: Float32Array<ArrayBuffer>): Numbers => ({
  shape,
  floats: async () => data,
});

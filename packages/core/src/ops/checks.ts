import { OnebitError } from "../errors.js";
import type { Shape, ValueType } from "../graph/types.js";
import { broadcastShapes } from "./broadcast.js";

/** Refuses a wrong number of inputs, and booleans where numbers are wanted. */
export function expectFloats(inputs: readonly ValueType[], ...names: readonly string[]): void {
  expectInputs(inputs, ...names);
  inputs.forEach(({ dtype }, i) => {
    if (dtype === "float32") return;
    throw new OnebitError(
      `${names[i]} is ${dtype}, must be float32 (use "where" to turn it into numbers)`,
    );
  });
}

export function expectInputs(inputs: readonly ValueType[], ...names: readonly string[]): void {
  if (inputs.length === names.length) return;
  throw new OnebitError(
    `takes ${names.length} inputs (${names.join(", ")}), ${inputs.length} given`,
  );
}

/** Type of an element-wise op over float inputs, with NumPy broadcasting. */
export function elementwiseType(
  inputs: readonly ValueType[],
  ...names: readonly string[]
): ValueType[] {
  expectFloats(inputs, ...names);
  return [{ shape: broadcastShapes(inputs.map((input) => input.shape)), dtype: "float32" }];
}

/** A dimension's number, counted from the end where negative. */
export function axisOf(axis: number, rank: number): number {
  if (Number.isInteger(axis) && axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
  throw new OnebitError(`axis ${axis} does not exist in a value of ${rank} dimensions`);
}

/** [C] as it broadcasts against [N, C, ...] of the given rank: [1, C, 1, ...]. */
export function channelShape(channels: number, rank: number): Shape {
  return Array.from({ length: rank }, (_, axis) => (axis === 1 ? channels : 1));
}

/** Refuses an attribute value that is not among the known ones. */
export function expectOneOf<T extends number | string>(
  name: string,
  value: T,
  known: readonly T[],
): void {
  if (known.includes(value)) return;
  throw new OnebitError(`${name} ${JSON.stringify(value)}: must be ${listed(known)}`);
}

function listed(values: readonly (number | string)[]): string {
  return values.map((value) => JSON.stringify(value)).join(" or ");
}

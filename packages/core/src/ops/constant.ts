import { OnebitError } from "../errors.js";
import { type Shape, sizeOf } from "../graph/types.js";
import { expectInputs } from "./checks.js";
import type { Op } from "./op.js";

export type ConstantAttributes = {
  /** One number for every element, or all elements in row-major order. */
  readonly value: number | readonly number[];
  readonly shape: Shape;
};

/** Above this many equal elements a constant is stored as one number and expanded at run time. */
const STORED = 4096;

/** A value that depends on nothing. */
export const constant: Op<ConstantAttributes> = {
  name: "constant",
  infer(inputs, { value, shape }) {
    expectInputs(inputs);
    if (typeof value !== "number" && value.length !== sizeOf(shape)) {
      throw new OnebitError(
        `${value.length} values given for shape [${shape}] (${sizeOf(shape)} elements)`,
      );
    }
    return [{ shape, dtype: "float32" }];
  },
  evaluate(_, { value, shape }, context) {
    const data = context.array(sizeOf(shape));
    if (typeof value === "number") data.fill(value);
    else data.set(value);
    return [{ shape, data }];
  },
  gradient: () => [],
  cost: () => ({ macs: 0, elementwise: 0 }),
  lower(l, { value, shape }) {
    if (typeof value === "number" && sizeOf(shape) > STORED) {
      return [l.emit("Expand", [l.constant(value), l.ints(shape)])];
    }
    return [l.constant(value, shape)];
  },
};

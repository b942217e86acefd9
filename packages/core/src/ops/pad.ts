import { OnebitError } from "../errors.js";
import type { GraphBuilder } from "../graph/builder.js";
import type { Shape } from "../graph/types.js";
import { expectFloats } from "./checks.js";
import { gather } from "./gather.js";
import type { Op } from "./op.js";

export type PadAttributes = {
  /** Places added before and after, one number per dimension. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly value: number;
};

/** Surrounds x with a constant; the gradient is the part that x holds. */
export const pad: Op<PadAttributes> = {
  name: "pad",
  infer(inputs, { before, after }) {
    expectFloats(inputs, "x");
    const { shape } = inputs[0];
    checkPads("before", before, shape);
    checkPads("after", after, shape);
    return [{ shape: padded(shape, before, after), dtype: "float32" }];
  },
  evaluate([x], { before, after, value }, context) {
    const inside = (at: readonly number[]) => {
      const source = at.map((place, axis) => place - before[axis]);
      return source.every((place, axis) => place >= 0 && place < x.shape[axis])
        ? source
        : undefined;
    };
    return [gather(x, padded(x.shape, before, after), context, inside, value)];
  },
  gradient: ({ b, inputs: [x], gradOutputs: [g], needs }, { before }) => [
    g && needs[0] ? crop(b, g, before, b.shape(x)) : undefined,
  ],
  cost: () => ({ macs: 0, elementwise: 0 }),
  lower(l, { before, after, value }) {
    return [l.emit("Pad", [l.inputs[0], l.ints([...before, ...after]), l.constant(value)])];
  },
};

function crop(b: GraphBuilder, value: string, start: readonly number[], shape: Shape): string {
  return shape.reduce((whole, size, axis) => {
    if (b.shape(whole)[axis] === size) return whole;
    return b.op("slice", [whole], { axis, start: start[axis], end: start[axis] + size });
  }, value);
}

function padded(shape: Shape, before: readonly number[], after: readonly number[]): Shape {
  return shape.map((dim, axis) => before[axis] + dim + after[axis]);
}

function checkPads(name: string, pads: readonly number[], shape: Shape): void {
  const whole = pads.every((n) => Number.isSafeInteger(n) && n >= 0);
  if (whole && pads.length === shape.length) return;
  throw new OnebitError(
    `${name} [${pads}] must hold ${shape.length} whole numbers of 0 or more, one per dimension of [${shape}]`,
  );
}

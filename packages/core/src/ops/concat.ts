import { OnebitError } from "../errors.js";
import { type Shape, sizeOf } from "../graph/types.js";
import { axisOf, expectFloats } from "./checks.js";
import type { Op } from "./op.js";

export type ConcatAttributes = { readonly axis: number };

/** Inputs one after the other along an axis; the gradient is sliced apart. */
export const concat: Op<ConcatAttributes> = {
  name: "concat",
  infer(inputs, attrs) {
    if (!inputs.length) throw new OnebitError("needs at least one input");
    expectFloats(inputs, ...inputs.map((_, i) => `input ${i}`));
    return [
      {
        shape: joined(
          inputs.map((input) => input.shape),
          attrs.axis,
        ),
        dtype: "float32",
      },
    ];
  },
  evaluate(inputs, attrs, context) {
    const shape = joined(
      inputs.map((input) => input.shape),
      attrs.axis,
    );
    const axis = axisOf(attrs.axis, shape.length);
    const data = context.array(sizeOf(shape));
    const row = sizeOf(shape.slice(axis));
    let start = 0;
    for (const input of inputs) {
      const part = sizeOf(input.shape.slice(axis));
      for (let from = 0, to = start; from < input.data.length; from += part, to += row) {
        data.set(input.data.subarray(from, from + part), to);
      }
      start += part;
    }
    return [{ shape, data }];
  },
  gradient({ b, inputs, gradOutputs: [g], needs }, attrs) {
    if (!g) return [];
    const axis = axisOf(attrs.axis, b.shape(g).length);
    let end = 0;
    return inputs.map((input, i) => {
      const start = end;
      end += b.shape(input)[axis];
      return needs[i] ? b.op("slice", [g], { axis, start, end }) : undefined;
    });
  },
  cost: () => ({ macs: 0, elementwise: 0 }),
  lower: (l, attrs) => [
    l.emit("Concat", l.inputs, { axis: axisOf(attrs.axis, l.shape(0).length) }),
  ],
};

function joined(shapes: readonly Shape[], along: number): Shape {
  const [first] = shapes;
  const axis = axisOf(along, first.length);
  const others = (shape: Shape) => shape.toSpliced(axis, 1).join();
  const misfit = shapes.find(
    (shape) => shape.length !== first.length || others(shape) !== others(first),
  );
  if (misfit) {
    throw new OnebitError(
      `[${misfit}] and [${first}] differ in more than axis ${along}: they cannot be joined`,
    );
  }
  return first.with(
    axis,
    shapes.reduce((total, shape) => total + shape[axis], 0),
  );
}

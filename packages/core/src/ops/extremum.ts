import { elementwiseCost, mapElements, reduceTo } from "./broadcast.js";
import { elementwiseType } from "./checks.js";
import type { Op } from "./op.js";

/** y = max(a, b), with NumPy broadcasting. Where a = b the gradient goes to a. */
export const maximum = extremum("maximum", "Max", Math.max, "greater-equal");

/** y = min(a, b), with NumPy broadcasting. Where a = b the gradient goes to a. */
export const minimum = extremum("minimum", "Min", Math.min, "less-equal");

function extremum(
  name: string,
  onnx: string,
  f: (a: number, b: number) => number,
  firstWins: string,
): Op {
  return {
    name,
    infer: (inputs) => elementwiseType(inputs, "a", "b"),
    evaluate: (inputs, _, context) => [mapElements(inputs, context, f)],
    gradient({ b, inputs: [x, y], gradOutputs: [g], needs }) {
      if (!g || !needs.includes(true)) return [];
      const zero = b.constant(0);
      const first = b.op(firstWins, [x, y]);
      return [
        needs[0] ? reduceTo(b, b.op("where", [first, g, zero]), b.shape(x)) : undefined,
        needs[1] ? reduceTo(b, b.op("where", [first, zero, g]), b.shape(y)) : undefined,
      ];
    },
    cost: (_, outputs) => elementwiseCost(outputs),
    lower: (l) => [l.emit(onnx, l.inputs)],
  };
}

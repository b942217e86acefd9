import { broadcastShapes, elementwiseCost, mapElements } from "./broadcast.js";
import { expectFloats } from "./checks.js";
import type { Op } from "./op.js";

// With NumPy broadcasting: float32 in, bool out, no gradient.

/** y = a > b. */
export const greater = comparison("greater", "Greater", (a, b) => a > b);
/** y = a >= b. */
export const greaterEqual = comparison("greater-equal", "GreaterOrEqual", (a, b) => a >= b);
/** y = a < b. */
export const less = comparison("less", "Less", (a, b) => a < b);
/** y = a <= b. */
export const lessEqual = comparison("less-equal", "LessOrEqual", (a, b) => a <= b);
/** y = (a = b). */
export const equal = comparison("equal", "Equal", (a, b) => a === b);

function comparison(name: string, onnx: string, holds: (a: number, b: number) => boolean): Op {
  return {
    name,
    infer(inputs) {
      expectFloats(inputs, "a", "b");
      return [{ shape: broadcastShapes(inputs.map((input) => input.shape)), dtype: "bool" }];
    },
    evaluate: (inputs, _, context) => [
      mapElements(inputs, context, (a, b) => (holds(a, b) ? 1 : 0)),
    ],
    gradient: () => [],
    cost: (_, outputs) => elementwiseCost(outputs),
    lower: (l) => [l.emit(onnx, l.inputs)],
  };
}

import { OnebitError } from "../errors.js";
import { broadcastShapes, elementwiseCost, mapElements, reduceTo } from "./broadcast.js";
import { expectFloats, expectInputs } from "./checks.js";
import type { Op } from "./op.js";

/**
 * y = a where the condition holds, else b, with NumPy broadcasting.
 *
 *   da = where(condition, g, 0),  db = where(condition, 0, g)
 *
 * condition: bool. a, b, y: float32.
 */
export const where: Op = {
  name: "where",
  infer(inputs) {
    expectInputs(inputs, "condition", "a", "b");
    const [condition, ...values] = inputs;
    if (condition.dtype !== "bool") {
      throw new OnebitError(
        `condition is ${condition.dtype}, must be bool (the result of a comparison)`,
      );
    }
    expectFloats(values, "a", "b");
    return [{ shape: broadcastShapes(inputs.map((input) => input.shape)), dtype: "float32" }];
  },
  evaluate: (inputs, _, context) => [mapElements(inputs, context, (c, a, b) => (c ? a : b))],
  gradient({ b, inputs: [condition, x, y], gradOutputs: [g], needs }) {
    if (!g) return [];
    const toA = () => b.op("where", [condition, g, b.constant(0)]);
    const toB = () => b.op("where", [condition, b.constant(0), g]);
    return [
      undefined,
      needs[1] ? reduceTo(b, toA(), b.shape(x)) : undefined,
      needs[2] ? reduceTo(b, toB(), b.shape(y)) : undefined,
    ];
  },
  cost: (_, outputs) => elementwiseCost(outputs),
  lower: (l) => [l.emit("Where", l.inputs)],
};

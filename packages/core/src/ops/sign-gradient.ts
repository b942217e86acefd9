import { OnebitError } from "../errors.js";
import { elementwiseCost, mapElements } from "./broadcast.js";
import { expectFloats } from "./checks.js";
import { estimatorNamed } from "./estimators.js";
import type { Op } from "./op.js";

export type SignGradientAttributes = { readonly estimator: string; readonly range: number };

/**
 * dt = g * derivative(t), with the derivative of a built-in estimator (estimators.ts).
 *
 * t: the sign's input. g: the gradient of its output, same shape.
 */
export const signGradient: Op<SignGradientAttributes> = {
  name: "sign-gradient",
  infer(inputs, { estimator }) {
    expectFloats(inputs, "t", "g");
    const [t, g] = inputs;
    estimatorNamed(estimator);
    if (t.shape.join() !== g.shape.join()) {
      throw new OnebitError(`input [${t.shape}] and gradient [${g.shape}] differ in shape`);
    }
    return [t];
  },
  evaluate(inputs, { estimator, range }, context) {
    const { derivative } = estimatorNamed(estimator);
    return [mapElements(inputs, context, (t, g) => g * derivative(t, range))];
  },
  cost: (_, outputs) => elementwiseCost(outputs, 2),
  lower(l, { estimator, range }) {
    const [t, g] = l.inputs;
    return [estimatorNamed(estimator).lower(l, t, g, range)];
  },
};

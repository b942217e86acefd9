import { elementwiseCost, mapElements } from "./broadcast.js";
import { elementwiseType, expectOneOf } from "./checks.js";
import type { Op } from "./op.js";

const gates = ["and", "or", "xnor"] as const;

export type LogicAttributes = {
  /** Of two signs, +1 being true. */
  readonly gate: (typeof gates)[number];
};

/**
 * Logic of signs, as arithmetic that has a gradient:
 *
 *   xnor   y = a b                        da = g b
 *   or     y = clamp(a + b + 1, -1, 1)    da = db = g, but 0 where a + b > 0: where both are +1
 *   and    y = clamp(a + b - 1, -1, 1)    da = db = g, but 0 where a + b < 0: where both are -1
 *
 * a, b, y: of one shape, -1 or +1. Source: hpi-xnor/BoolNet (arXiv 2106.06991), boolnet.py, XNOR and OR, whose
 * clamp(0, 1) of sums of 0 and 1 passes the gradient at both ends.
 */
export const logic: Op<LogicAttributes> = {
  name: "logic",
  infer(inputs, { gate }) {
    expectOneOf("gate", gate, gates);
    return elementwiseType(inputs, "a", "b");
  },
  evaluate: (inputs, { gate }, context) => [mapElements(inputs, context, FORMULAS[gate])],
  gradient({ b, inputs: [x, y], gradOutputs: [g], needs }, { gate }) {
    if (!g) return [];
    if (gate === "xnor") {
      return [
        needs[0] ? b.op("mul", [g, y]) : undefined,
        needs[1] ? b.op("mul", [g, x]) : undefined,
      ];
    }
    if (!needs.includes(true)) return [];
    const zero = b.constant(0);
    const passes = gate === "or" ? "less-equal" : "greater-equal";
    const passed = b.op("where", [b.op(passes, [b.op("add", [x, y]), zero]), g, zero]);
    return needs.map((needed) => (needed ? passed : undefined));
  },
  cost: (_, outputs) => elementwiseCost(outputs),
  lower(l, { gate }) {
    if (gate === "xnor") return [l.emit("Mul", l.inputs)];
    const sum = l.emit("Add", l.inputs);
    const shifted = l.emit("Add", [sum, l.constant(gate === "or" ? 1 : -1)]);
    return [l.emit("Clip", [shifted, l.constant(-1), l.constant(1)])];
  },
};

const clamped = (x: number) => Math.min(1, Math.max(-1, x));

const FORMULAS = {
  and: (a: number, b: number) => clamped(a + b - 1),
  or: (a: number, b: number) => clamped(a + b + 1),
  xnor: (a: number, b: number) => a * b,
};

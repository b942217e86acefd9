import { roundHalfToEven } from "../program/quantiser.js";
import { elementwiseCost, mapElements } from "./broadcast.js";
import { elementwiseType } from "./checks.js";
import type { Op } from "./op.js";
import { lowerRound } from "./quantise-rules.js";

/** y = x as a whole number, half to even; dx = g, straight through. */
export const round: Op = {
  name: "round",
  infer: (inputs) => elementwiseType(inputs, "x"),
  evaluate: (inputs, _, context) => [mapElements(inputs, context, roundHalfToEven)],
  gradient: ({ gradOutputs: [g], needs }) => [g && needs[0] ? g : undefined],
  cost: (_, outputs) => elementwiseCost(outputs, 1),
  lower: (l) => [lowerRound(l, l.inputs[0])],
};

import { expectFloats } from "./checks.js";
import type { Op } from "./op.js";

/** y = x, and no gradient flows back. */
export const detach: Op = {
  name: "detach",
  infer(inputs) {
    expectFloats(inputs, "x");
    return [inputs[0]];
  },
  evaluate: ([x]) => [x],
  gradient: () => [],
  cost: () => ({ macs: 0, elementwise: 0 }),
  lower: (l) => [l.inputs[0]],
};

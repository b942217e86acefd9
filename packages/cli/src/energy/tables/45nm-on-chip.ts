import type { EnergyTable } from "../table.js";

/** Everything in a memory of 1 MB beside the arithmetic. */
export const onChip: EnergyTable = {
  process: "45 nm, 0.9 V",
  source: "M. Horowitz, Computing's energy problem (and what we can do about it), ISSCC 2014",
  notes: [
    "1-bit multiply-add: not in the source; a 32-bit integer addition (0.1 pJ) for 32 of them, the adders that count them",
    "a float32 multiply-add is a product (3.7 pJ) and a sum (0.9 pJ); anything else on single numbers counts as a product",
    "memory: 100 pJ for 64 bits of a 1 MB cache",
  ],
  picojoules: {
    binaryMac: 0.1 / 32,
    floatMac: 4.6,
    elementwise: 3.7,
    weightByte: 100 / 8,
    activationByte: 100 / 8,
  },
};

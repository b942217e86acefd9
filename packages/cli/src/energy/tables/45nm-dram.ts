import type { EnergyTable } from "../table.js";
import { onChip } from "./45nm-on-chip.js";

/** Weights come from DRAM for every image; maps stay on the chip. */
export const dram: EnergyTable = {
  ...onChip,
  notes: [
    ...onChip.notes,
    "weights: 1.3 nJ for 64 bits of DRAM, the lower end of the source's 1.3 to 2.6 nJ",
  ],
  picojoules: { ...onChip.picojoules, weightByte: 1300 / 8 },
};

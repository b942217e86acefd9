import type { EnergyTable, Priced } from "./table.js";

/** How often a network does for one image what a table has a price for. */
export type Amounts = { readonly [what in Priced]: number };

/** What one image takes. */
export interface Energy {
  readonly joules: number;
  /** The same by what takes it. */
  readonly parts: { readonly [what in Priced]: number };
  /** Multiply-adds for each byte that is read or written. */
  readonly arithmeticIntensity: number;
  /**
   * Arithmetic computation effort: multiply-adds times the bits of both numbers, added up; floats count as 16 bits, as
   * where ReActNet has 7.9e9. Source: PokeBNN (arXiv 2112.00133).
   */
  readonly ace: number;
}

/** amounts at the prices of a table. */
export function energyOf(amounts: Amounts, { picojoules }: EnergyTable): Energy {
  const whats = Object.keys(picojoules).filter((what) => what in amounts) as Priced[];
  const parts = Object.fromEntries(
    whats.map((what) => [what, amounts[what] * picojoules[what] * 1e-12]),
  ) as { [what in Priced]: number };
  const { binaryMac, floatMac, weightByte, activationByte } = amounts;
  return {
    joules: Object.values(parts).reduce((sum, part) => sum + part, 0),
    parts,
    arithmeticIntensity: (binaryMac + floatMac) / (weightByte + activationByte),
    ace: binaryMac + floatMac * 16 * 16,
  };
}

/** What amounts are called, in the order in which they are shown. */
export const NAMES: { readonly [what in Priced]: string } = {
  binaryMac: "1-bit multiply-adds",
  floatMac: "float32 multiply-adds",
  elementwise: "other arithmetic",
  weightByte: "bytes of weights",
  activationByte: "bytes of maps, bits and vectors",
};

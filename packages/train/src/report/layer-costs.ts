import type { BlockCost } from "onebit/cost";
import type { LayerCost } from "./types.js";

/** Rows of the report's table of layers, one per block of the network. */
export function layerCosts(blocks: readonly BlockCost[]): LayerCost[] {
  return blocks.map(({ name, macs, binaryMacs, parameters, binaryParameters, layers }) => ({
    name,
    op: `${layers} layers`,
    macs,
    binaryMacs,
    bytes: binaryParameters / 8 + 4 * (parameters - binaryParameters),
  }));
}

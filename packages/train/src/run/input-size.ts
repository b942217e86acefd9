import { UsageError } from "onebit";
import { counted } from "onebit/words";
import type { Dataset } from "../data/index.js";

/** Height and width; of networks made for fewer, photographs get so many pixels a side. */
const PHOTOGRAPH = 64;
/** In fewer pixels there is nothing to see. */
const LEAST = 8;
/** Of small networks: what they halve stays even. */
const STRIDE = 8;

/**
 * What a network takes of a data set: its size, where all images are alike; else what is usual for the
 * network, but no fewer pixels than a photograph wants, unless the pictures have fewer themselves. Of
 * folders a multiple of 8.
 *
 * UsageError where they hardly have any.
 */
export function inputSize(
  { spec, size, side }: Dataset,
  [height, width]: readonly [height: number, width: number],
): [height: number, width: number] {
  if (size && side === undefined) return size;
  if (side !== undefined && side < LEAST) {
    throw new UsageError(
      `${spec}: the shorter side of its pictures is ${counted(side, "pixel")}: too few to tell anything by. Put the originals there, of 64 pixels or more; --input CxHxW (input of the model) trains on such pictures nevertheless`,
    );
  }
  if (size) return [even(size[0]), even(size[1])];
  if (Math.min(height, width) > PHOTOGRAPH) return [height, width];
  const fitting = Math.floor(Math.min(PHOTOGRAPH, side ?? PHOTOGRAPH) / STRIDE) * STRIDE;
  return [fitting, fitting];
}

function even(side: number): number {
  return Math.max(LEAST, Math.round(side / STRIDE) * STRIDE);
}

import type { MapShape } from "../../../program/geometry.js";
import type { Step } from "../../../program/types.js";
import type { Operand } from "./instruction.js";

/** Channels of a step from a multiple of 32 on. */
export interface ChannelRange {
  readonly first: number;
  readonly count: number;
}

/** Where they go. */
export interface OutputRange extends ChannelRange {
  readonly dst: Operand;
}

/** Words of bits, and tiles of the kernels, hold so many. */
export const WORD = 32;

export interface ChannelRangeInput {
  readonly step: Step;
  /** Of the accumulator, and the rows of it per block. */
  readonly shape: MapShape;
  readonly blockRows: number;
  readonly threads: number;
}

/**
 * A range of output channels for each thread, where that deals out a binary convolution or a linear
 * layer more evenly than its rows do, or as evenly with fewer passes over the weights; else all
 * channels in one.
 *
 *   7 rows, 2 threads:   4 of 7 rows, or 512 of 1024 channels
 */
export function channelRanges({
  step,
  shape: [rows, , channels],
  blockRows,
  threads,
}: ChannelRangeInput): ChannelRange[] {
  const whole = [{ first: 0, count: channels }];
  const words = Math.ceil(channels / WORD);
  if (threads === 1 || words < threads || !canSplit(step)) return whole;
  const byRows = Math.ceil(rows / threads) / rows;
  const byWords = Math.ceil(words / threads) / words;
  const fewBlocks = rows <= blockRows * (threads - 1);
  if (byWords > byRows || (byWords === byRows && !fewBlocks)) return whole;
  return Array.from({ length: threads }, (_, i) => {
    const [first, end] = [i, i + 1].map((n) => Math.floor((words * n) / threads) * WORD);
    return { first, count: Math.min(end, channels) - first };
  });
}

/** No two ranges write into the same word of bits. */
function canSplit(step: Step): boolean {
  const kernel = step.kind === "binary-conv" ? step.groups === 1 : step.kind === "linear";
  if (!kernel) return false;
  return step.epilogue.every((op) => op[0] !== "bits" || op[4] % WORD === 0);
}

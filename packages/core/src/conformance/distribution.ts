import { isPadded, paddingEnd } from "../program/geometry.js";
import { type Convolution, reductionOf, spanOf } from "./convolution.js";

/** How many of the convolutions belong to each kind, and how many there must be at least. */
export interface Share {
  readonly what: string;
  /** Of all convolutions, 0 to 1. */
  readonly atLeast: number;
}

interface Kind extends Share {
  readonly belongs: (conv: Convolution, range: AccumulatorRange) => boolean;
}

/** Smallest and largest output of a convolution, over all of its images. */
export interface AccumulatorRange {
  readonly smallest: number;
  readonly largest: number;
}

const KINDS: readonly Kind[] = [
  {
    what: "channels no multiple of 32",
    atLeast: 0.2,
    belongs: ({ input }) => input[2] % 32 !== 0,
  },
  {
    what: "channels of a group no multiple of 32",
    atLeast: 0.2,
    belongs: ({ input, groups }) => (input[2] / groups) % 32 !== 0,
  },
  { what: "stride 2", atLeast: 0.2, belongs: ({ stride }) => stride.includes(2) },
  {
    what: "a group for each channel",
    atLeast: 0.04,
    belongs: ({ input, groups, out }) => groups > 1 && groups === input[2] && groups === out,
  },
  { what: "groups", atLeast: 0.2, belongs: ({ groups }) => groups > 1 },
  {
    what: "image smaller than the kernel",
    atLeast: 0.2,
    belongs: (conv) => conv.input[0] < spanOf(conv, 0) || conv.input[1] < spanOf(conv, 1),
  },
  {
    what: "padding with -1",
    atLeast: 0.2,
    belongs: (conv) => conv.padValue === -1 && isPadded(conv),
  },
  {
    what: "padding with +1",
    atLeast: 0.2,
    belongs: (conv) => conv.padValue === 1 && isPadded(conv),
  },
  {
    what: "padding that differs before and behind the map",
    atLeast: 0.1,
    belongs: (conv) => conv.padding.join() !== paddingEnd(conv).join(),
  },
  {
    what: "padding with the border",
    atLeast: 0.04,
    belongs: (conv) => conv.padValue === "replicate" && isPadded(conv),
  },
  {
    what: "dilation",
    atLeast: 0.08,
    belongs: ({ dilation = [] }) => Math.max(...dilation) > 1,
  },
  {
    what: "reduction over 4,096",
    atLeast: 0.01,
    belongs: (conv) => reductionOf(conv) > 4096,
  },
  {
    what: "an accumulator with all signs equal",
    atLeast: 0.2,
    belongs: (conv, { largest }) => largest === reductionOf(conv),
  },
  {
    what: "an accumulator with all signs opposite",
    atLeast: 0.2,
    belongs: (conv, { smallest }) => smallest === -reductionOf(conv),
  },
];

/** What a run has tried, kind by kind. */
export class Distribution {
  convolutions = 0;
  readonly #counts = KINDS.map(() => 0);

  add(conv: Convolution, range: AccumulatorRange): void {
    this.convolutions++;
    KINDS.forEach(({ belongs }, i) => {
      if (belongs(conv, range)) this.#counts[i]++;
    });
  }

  shares(): (Share & { readonly share: number })[] {
    return KINDS.map(({ what, atLeast }, i) => {
      return { what, atLeast, share: this.#counts[i] / Math.max(1, this.convolutions) };
    });
  }
}

export function rangeOf(outputs: readonly Int32Array[]): AccumulatorRange {
  let smallest = Number.POSITIVE_INFINITY;
  let largest = Number.NEGATIVE_INFINITY;
  for (const values of outputs) {
    for (const value of values) {
      smallest = Math.min(smallest, value);
      largest = Math.max(largest, value);
    }
  }
  return { smallest, largest };
}

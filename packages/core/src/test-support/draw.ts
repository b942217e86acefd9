import { type Shape, sizeOf, type Tensor } from "../graph/types.js";

/** Where random numbers come from: uniform on [low, high], at least 0.02 away from `avoid`. */
export interface Domain {
  readonly low: number;
  readonly high: number;
  /** Kinks and jumps, where a finite difference means nothing. */
  readonly avoid?: readonly number[];
}

const CLEARANCE = 0.02;

/** A repeatable stream of numbers in [0, 1): a 32-bit Weyl sequence through a mixing function. */
export function randomStream(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** A tensor of numbers that float32 holds exactly, or the given tensor itself. */
export function drawTensor(input: Shape | Tensor, domain: Domain, random: () => number): Tensor {
  if ("data" in input) return input;
  const data = Float32Array.from({ length: sizeOf(input) }, () => draw(domain, random));
  return { shape: input, data };
}

function draw({ low, high, avoid = [] }: Domain, random: () => number): number {
  for (;;) {
    const value = low + (high - low) * random();
    if (avoid.every((kink) => Math.abs(value - kink) > CLEARANCE)) return value;
  }
}

import { type Shape, sizeOf, type Tensor } from "../graph/types.js";

export { randomStream } from "../conformance/random.js";

/** Where random numbers come from: uniform on [low, high], at least 0.02 away from `avoid`. */
export interface Domain {
  readonly low: number;
  readonly high: number;
  /** Kinks and jumps, where a finite difference means nothing. */
  readonly avoid?: readonly number[];
}

const CLEARANCE = 0.02;

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

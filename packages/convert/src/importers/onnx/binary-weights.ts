import type { Tensor } from "onebit/graph";
import type { Constants } from "./constants.js";
import { signPattern } from "./sign-patterns.js";
import { straightThrough } from "./straight-through.js";

/** Weights that are +m or -m, with a size m for each output. */
export interface BinaryWeight {
  readonly signs: Float32Array<ArrayBuffer>;
  readonly sizes: Float32Array<ArrayBuffer>;
}

/** A straight-through sum leaves the sizes of one output this far apart, in parts of the largest. */
const ROUNDING = 2e-5;

/**
 * The signs and sizes of weights, of which each output's begin at a multiple of its length; or why they are not
 * binary.
 */
export function binaryWeight({ shape: [outs], data }: Tensor): BinaryWeight | string {
  const length = data.length / outs;
  const signs = new Float32Array(data.length);
  const sizes = new Float32Array(outs);
  for (let o = 0; o < outs; o++) {
    let [least, most, sum] = [Number.POSITIVE_INFINITY, 0, 0];
    for (let i = o * length; i < (o + 1) * length; i++) {
      const size = Math.abs(data[i]);
      if (size === 0) return `output ${o} has a weight that is exactly 0, a 1-bit network has none`;
      if (!Number.isFinite(size)) return `output ${o} has a weight that is ${data[i]}`;
      least = Math.min(least, size);
      most = Math.max(most, size);
      sum += size;
      signs[i] = Math.sign(data[i]);
    }
    if (most - least > ROUNDING * most)
      return `output ${o} has weights of the sizes ${least} and ${most}`;
    sizes[o] = least === most ? most : sum / length;
  }
  return { signs, sizes };
}

/**
 * The latent weights behind a constant that the file computes as sign(w) * mean |w| of each output, with the same
 * rounding as whoever packs them would have; undefined where it is anything else.
 */
export function latentBehind(value: string, constants: Constants): Tensor | undefined {
  const product = constants.producer(passed(value, constants));
  if (product?.op !== "Mul" || product.domain !== "") return undefined;
  for (const [signs, sizes] of [product.inputs, product.inputs.toReversed()]) {
    const node = constants.producer(passed(signs, constants));
    const pattern = node && signPattern(node, constants);
    if (
      !pattern ||
      pattern.negative ||
      (pattern.threshold !== undefined && !isZero(pattern.threshold, constants))
    )
      continue;
    const [latent, means] = [constants.get(pattern.x), constants.get(sizes)];
    // What becomes of 0 is as the file's form says; of latent weights it would be as whoever packs them says.
    if (latent?.data.includes(0)) return undefined;
    if (pattern.scale === 1 && latent && means && areMeans(means, latent)) return latent;
  }
  return undefined;
}

function passed(value: string, constants: Constants): string {
  const node = constants.producer(value);
  return (node && straightThrough(node, (name) => constants.producer(name))) ?? value;
}

const isZero = (name: string, constants: Constants) =>
  constants.get(name)!.data.every((x) => x === 0);

/** In float32, one after another, a mean of so many numbers is this far off. */
const SUMMED = 1e-4;

function areMeans({ data: means }: Tensor, { shape: [outs], data }: Tensor): boolean {
  if (means.length !== outs) return false;
  const length = data.length / outs;
  return means.every((mean, o) => {
    let sum = 0;
    for (let i = o * length; i < (o + 1) * length; i++) sum += Math.abs(data[i]);
    return Math.abs(sum / length - mean) <= SUMMED * mean;
  });
}

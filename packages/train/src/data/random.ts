import { ln } from "./portable-math.js";

/** A stream of random numbers; the same on every machine. */
export interface Random {
  /** Uniform in [0, 1), a multiple of 2^-32. */
  next(): number;
  /** Uniform in 0 .. n - 1; n from 1 to 2^32. */
  integer(n: number): number;
  /** Uniform in [low, high). */
  uniform(low: number, high: number): number;
  /** True with probability p. */
  chance(p: number): boolean;
  /** Standard normal. */
  normal(): number;
  /** 32 random bits, unsigned. */
  bits(): number;
  /** In place (Fisher-Yates); returns its argument. */
  shuffle<T extends unknown[] | Int32Array>(items: T): T;
}

/**
 * One seed, many independent streams, named by purpose: `rng(seed, "augment", epoch, index)`.
 *
 * The seed and the purposes are hashed to 128 bits, the state of a xoshiro128** generator (Blackman
 * and Vigna, 2018). Only integer operations, exact float operations and `portable-math` are used, so
 * streams do not depend on the platform. Not for secrets.
 */
export function rng(seed: number, ...purpose: (string | number)[]): Random {
  const bits = xoshiro128(hash([seed, ...purpose]));

  const next = (): number => bits() * 2 ** -32;

  const integer = (n: number): number => {
    // Draws from the last, partial block of n would favour small results.
    const limit = 2 ** 32 - (2 ** 32 % n);
    let x = bits();
    while (x >= limit) x = bits();
    return x % n;
  };

  let spare: number | undefined;
  /** Marsaglia's polar method: two normals from a point in the unit disc. */
  const normal = (): number => {
    if (spare !== undefined) {
      const ready = spare;
      spare = undefined;
      return ready;
    }
    let u = 0;
    let v = 0;
    let s = 0;
    do {
      u = 2 * next() - 1;
      v = 2 * next() - 1;
      s = u * u + v * v;
    } while (s >= 1 || s === 0);
    const scale = Math.sqrt((-2 * ln(s)) / s);
    spare = v * scale;
    return u * scale;
  };

  return {
    next,
    integer,
    uniform: (low, high) => low + (high - low) * next(),
    chance: (p) => next() < p,
    normal,
    bits,
    shuffle(items) {
      for (let i = items.length - 1; i > 0; i--) {
        const j = integer(i + 1);
        [items[i], items[j]] = [items[j], items[i]];
      }
      return items;
    },
  };
}

/** xoshiro128** from a state that is not all zero: each call gives 32 bits, unsigned. */
export function xoshiro128(state: readonly [number, number, number, number]): () => number {
  let [a, b, c, d] = state;
  return () => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result >>> 0;
  };
}

/** 128 bits of the parts; types and borders count, so (1, 23), (12, 3) and ("1", 23) differ. */
function hash(parts: (string | number)[]): [number, number, number, number] {
  const h: [number, number, number, number] = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344];
  const absorb = (word: number): void => {
    for (let i = 0; i < 4; i++) h[i] = mix(h[i] ^ Math.imul(word + i, 0x9e3779b1), h[(i + 1) & 3]);
  };
  for (const part of parts) {
    if (typeof part === "number") {
      absorb(1);
      doubleView.setFloat64(0, part);
      absorb(doubleView.getInt32(0));
      absorb(doubleView.getInt32(4));
      continue;
    }
    absorb(2);
    for (let i = 0; i < part.length; i++) absorb(part.charCodeAt(i));
  }
  absorb(parts.length);
  // The one state that xoshiro never leaves.
  if ((h[0] | h[1] | h[2] | h[3]) === 0) h[0] = 1;
  return h;
}

const doubleView = new DataView(new ArrayBuffer(8));

/** MurmurHash3's finaliser, keyed by a neighbour word. */
function mix(x: number, key: number): number {
  let h = x + key;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

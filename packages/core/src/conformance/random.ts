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

/** The array, its elements drawn in order: many times as fast as its type's `from` with a length. */
export function drawn<A extends Float32Array | Uint8Array>(
  array: A,
  draw: (index: number) => number,
): A {
  for (let i = 0; i < array.length; i++) array[i] = draw(i);
  return array;
}

/** Draws from one stream. */
export class Random {
  /** Uniform on [0, 1). */
  readonly number: () => number;

  constructor(seed: number) {
    this.number = randomStream(seed);
  }

  chance(probability: number): boolean {
    return this.number() < probability;
  }

  /** A whole number from low to high, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.number() * (high - low + 1));
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.int(0, choices.length - 1)];
  }

  sign(): -1 | 1 {
    return this.chance(0.5) ? -1 : 1;
  }

  /** Mostly twice the same number. */
  pair(draw: () => number): [number, number] {
    if (!this.chance(0.7)) return [draw(), draw()];
    const both = draw();
    return [both, both];
  }
}

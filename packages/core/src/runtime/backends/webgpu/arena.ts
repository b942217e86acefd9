/** A range of the arena in use from step `first` to step `last`: those never in use together share. */
export interface Slot {
  /** Of 32 bits. */
  readonly words: number;
  readonly first: number;
  last: number;
  /** First word, once the arena is laid out. */
  at: number;
}

/** 64 bytes: what GPUs fetch at once, more or less. */
const ALIGNMENT = 16;

/** The words that the values and the scratch of one image take, by their lifetimes. */
export class Arena {
  readonly #slots: Slot[] = [];
  /** Of one image, once laid out. */
  words = 0;

  reserve(words: number, first: number, last = first): Slot {
    const slot = { words: aligned(words), first, last, at: -1 };
    this.#slots.push(slot);
    return slot;
  }

  /** Largest first, each at the lowest place that is free for all of its lifetime. */
  layOut(): void {
    const placed: Slot[] = [];
    for (const slot of this.#slots.toSorted((a, b) => b.words - a.words)) {
      slot.at = lowestFree(slot, placed);
      insert(slot, placed);
      this.words = Math.max(this.words, slot.at + slot.words);
    }
  }

  /** The step during which most is in use. */
  fullest(steps: number): number {
    const changes = new Float64Array(steps + 1);
    for (const { words, first, last } of this.#slots) {
      changes[Math.max(first, 0)] += words;
      if (last < steps) changes[Math.max(last, 0) + 1] -= words;
    }
    let [used, most, step] = [0, -1, 0];
    for (let i = 0; i < steps; i++) {
      used += changes[i];
      if (used > most) [most, step] = [used, i];
    }
    return step;
  }
}

/** Moves on behind whatever is in the way. */
function lowestFree({ words, first, last }: Slot, placed: readonly Slot[]): number {
  let at = 0;
  for (const other of placed) {
    if (other.at >= at + words) break;
    if (other.first > last || first > other.last) continue;
    at = Math.max(at, other.at + other.words);
  }
  return at;
}

function insert(slot: Slot, placed: Slot[]): void {
  let [low, high] = [0, placed.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (placed[middle].at <= slot.at) low = middle + 1;
    else high = middle;
  }
  placed.splice(low, 0, slot);
}

function aligned(words: number): number {
  return Math.ceil(words / ALIGNMENT) * ALIGNMENT;
}

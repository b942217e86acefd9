/** Shares of the training's time in which the engine stood still. */
export interface WaitingShares {
  /** Because images were not prepared yet. */
  readonly images: number;
  /** Because teachers had not answered yet. */
  readonly teachers: number;
}

/** Milliseconds of waiting as shares of all of them. */
export function sharesOf({ images, teachers }: WaitingShares, milliseconds: number): WaitingShares {
  if (!milliseconds) return { images: 0, teachers: 0 };
  return { images: images / milliseconds, teachers: teachers / milliseconds };
}

/** Speed and remaining time, from a clock in milliseconds. */
export class Meter {
  readonly #start: number;
  #trained = 0;
  #trainingMs = 0;
  readonly #waited = { images: 0, teachers: 0 };

  constructor(
    /** Images of the whole training, and how many of them were done before this run. */
    private readonly total: number,
    private readonly before: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#start = now();
  }

  /** images were trained on, in ms, of which `waiting` were spent waiting. */
  add(images: number, ms: number, waiting: WaitingShares = { images: 0, teachers: 0 }): void {
    this.#trained += images;
    this.#trainingMs += ms;
    this.#waited.images += waiting.images;
    this.#waited.teachers += waiting.teachers;
  }

  get waiting(): WaitingShares {
    return sharesOf(this.#waited, this.#trainingMs);
  }

  /** Training only, without evaluation and saving. */
  get imagesPerSecond(): number {
    return this.#trainingMs ? (1000 * this.#trained) / this.#trainingMs : 0;
  }

  get seconds(): number {
    return (this.now() - this.#start) / 1000;
  }

  /** At the pace of this run so far, everything included. */
  get secondsLeft(): number {
    const left = this.total - this.before - this.#trained;
    return this.#trained ? (left * this.seconds) / this.#trained : 0;
  }
}

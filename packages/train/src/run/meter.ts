/** Speed and remaining time, from a clock in milliseconds. */
export class Meter {
  readonly #start: number;
  #trained = 0;
  #trainingMs = 0;

  constructor(
    /** Images of the whole training, and how many of them were done before this run. */
    private readonly total: number,
    private readonly before: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#start = now();
  }

  /** images were trained on, in ms. */
  add(images: number, ms: number): void {
    this.#trained += images;
    this.#trainingMs += ms;
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

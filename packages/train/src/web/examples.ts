import { type ImageInput, readPixels, UsageError } from "onebit";
import { fit, type Preprocess } from "onebit/image";
import { counted } from "onebit/words";
import { rng } from "../data/random.js";
import type { RawImage } from "../data/split.js";

/** Labelled pictures that stay in memory. */
export interface ExampleOptions {
  /** The shorter side that larger pictures are reduced to, in pixels; the middle is kept. Default: 64. */
  readonly side?: number;
}

/** A picture, and the number of its class. */
export interface Example {
  readonly image: RawImage;
  readonly label: number;
}

/** Examples to train on, and others, of every class, that are only asked about in the end. */
export interface DividedExamples {
  readonly train: readonly Example[];
  readonly held: readonly Example[];
}

/** Pictures of a class that a division leaves for training at least. */
const LEAST = 2;

/**
 * Pictures and what they show, gathered in a page or anywhere else: nothing leaves the memory.
 *
 *   const examples = new Examples();
 *   await examples.add("cup", video);
 */
export class Examples {
  readonly #how: Preprocess;
  readonly #images = new Map<string, RawImage[]>();

  constructor({ side = 64 }: ExampleOptions = {}) {
    if (!Number.isSafeInteger(side) || side < 8) {
      throw new UsageError(`side ${side}: must be a whole number of pixels, 8 or more`);
    }
    this.#how = {
      ...{ size: [side, side], resize: side, crop: "center", interpolation: "bilinear" },
      ...{ channels: 3, mean: [0, 0, 0], std: [1, 1, 1] },
    };
  }

  /** Keeps a picture as it is now: anything that classify() takes, whose errors are those of classify(). */
  async add(label: string, image: ImageInput): Promise<void> {
    if (typeof label !== "string" || !label.trim()) {
      throw new UsageError(`label ${JSON.stringify(label)}: the name of a class is wanted`);
    }
    const kept = fit(await readPixels(image), this.#how) as RawImage;
    // Not a view of what the caller may change.
    const copy = { ...kept, data: kept.data.slice() };
    this.#images.set(label, [...(this.#images.get(label) ?? []), copy]);
  }

  /** Takes away the last picture of a class, or all of them; false where there are none. */
  remove(label: string, { all = false } = {}): boolean {
    const images = this.#images.get(label);
    if (!images) return false;
    const left = all ? [] : images.slice(0, -1);
    if (left.length) this.#images.set(label, left);
    else this.#images.delete(label);
    return true;
  }

  /** Classes, in the order in which they came. */
  get labels(): readonly string[] {
    return [...this.#images.keys()];
  }

  /** How many pictures there are, of a class or of all. */
  count(label?: string): number {
    if (label !== undefined) return this.#images.get(label)?.length ?? 0;
    return [...this.#images.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /**
   * Every class divided alike: a share of it is held back, a picture at least unless the share is 0.
   *
   * UsageError where there are fewer than two classes, or too few pictures of one.
   */
  divide(share: number, seed: number): DividedExamples {
    if (!(share >= 0 && share < 1)) {
      throw new UsageError(`heldBack ${share}: must be a fraction of the pictures, 0 to below 1`);
    }
    if (this.#images.size < 2) {
      const there = this.labels.map((label) => `"${label}"`).join(", ") || "none";
      throw new UsageError(`examples of two classes or more are wanted; there are: ${there}`);
    }
    const train: Example[] = [];
    const held: Example[] = [];
    [...this.#images].forEach(([name, images], label) => {
      const count = share && Math.max(1, Math.floor(share * images.length));
      if (images.length - count < LEAST) {
        throw new UsageError(
          `"${name}" has ${counted(images.length, "picture")}: ${LEAST + count} or more are wanted, ${count} of them to be held back`,
        );
      }
      const shuffled = rng(seed, "hold-out", name).shuffle([...images]);
      held.push(...shuffled.slice(0, count).map((image) => ({ image, label })));
      train.push(...shuffled.slice(count).map((image) => ({ image, label })));
    });
    return { train, held };
  }
}

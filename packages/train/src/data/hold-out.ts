import { UsageError } from "onebit";
import { counted } from "onebit/words";
import type { Dataset } from "./dataset.js";
import { subset } from "./open-split.js";
import { rng } from "./random.js";
import { type Split, sharedInts } from "./split.js";

/** Which training images are held back. */
export interface HoldOut {
  /** Of the training images, above 0 and below 1. */
  readonly share: number;
  /** Default 0. Apart from a training's seed: trainings that are compared hold back the same images. */
  readonly seed?: number;
}

/**
 * The data set with a share of its training images held back, of every class alike, to choose epochs and
 * settings on: they become `test`, and the test images `finalTest`, to be used once, at the end.
 */
export function holdOut(dataset: Dataset, { share, seed = 0 }: HoldOut): Dataset {
  const { spec, classes, train, test } = dataset;
  if (!(share > 0 && share < 1)) {
    throw new UsageError(
      `validation is ${share}, must be a share above 0 and below 1, such as 0.1`,
    );
  }
  const held = heldBack(train, classes.length, { share, seed });
  if (!held.size) {
    throw new UsageError(
      `${spec}: ${share} of ${counted(train.length, "training image")} is none that could be held back: raise validation`,
    );
  }
  const part = (isHeld: boolean) => {
    const all = Int32Array.from({ length: train.length }, (_, i) => i);
    return subset(train, sharedInts(all.filter((i) => held.has(i) === isHeld)));
  };
  return { ...dataset, train: part(false), test: part(true), finalTest: test };
}

/** Every class keeps an image at least to train on. */
function heldBack(train: Split, classes: number, { share, seed }: Required<HoldOut>): Set<number> {
  const members = Array.from({ length: classes }, () => [] as number[]);
  for (let i = 0; i < train.length; i++) members[train.label(i)].push(i);
  const held = new Set<number>();
  // What rounding takes from one class goes to the next.
  let owed = 0;
  members.forEach((own, k) => {
    owed += share * own.length;
    const count = Math.max(0, Math.min(Math.round(owed), own.length - 1));
    owed -= count;
    const order = rng(seed, "validation", k).shuffle(Int32Array.from(own));
    for (const i of order.subarray(0, count)) held.add(i);
  });
  return held;
}

import { OnebitError } from "onebit";
import { counted } from "onebit/words";
import type { Split } from "../data/index.js";
import { atOnce } from "../own/at-once.js";
import { reasonOf, shown } from "../own/own-module.js";

/** Which training image a target is for. */
export interface TargetOf {
  /** In the training images, from 0. */
  readonly index: number;
  /** Where the image came from: a file, or a file and a number. */
  readonly source: string;
  /** From 0. */
  readonly epoch: number;
  readonly classes: readonly string[];
}

/**
 * What a training image is to be taken for, instead of its label alone: a number for each class, as a rule
 * probabilities. Losses ask for it as "target". Mixed images have mixed targets.
 */
export type Targets = (label: number, about: TargetOf) => ArrayLike<number>;

/** Targets of a batch, [images, classes]. OnebitError, naming the image, where there are no such numbers. */
export function targetRows(
  targets: Targets,
  { labels, indices }: { readonly labels: Int32Array; readonly indices: Int32Array },
  { epoch, classes, split }: Pick<TargetOf, "epoch" | "classes"> & { readonly split: Split },
): Float32Array {
  const rows = new Float32Array(labels.length * classes.length);
  labels.forEach((label, n) => {
    const index = indices[n];
    const about = { index, source: split.source(index), epoch, classes };
    const where = `the targets of image ${index} (${about.source}) in epoch ${epoch + 1}`;
    const row = called(() => targets(label, about), where);
    if (row?.length !== classes.length) {
      throw new OnebitError(
        `${where} are ${Number.isInteger(row?.length) ? counted(row.length, "number") : shown(row)}, one for each of ${classes.length} classes is wanted`,
      );
    }
    rows.set(row, n * classes.length);
    const bad = rows
      .subarray(n * classes.length, (n + 1) * classes.length)
      .findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      throw new OnebitError(`${where} have ${shown(row[bad])} for the class "${classes[bad]}"`);
    }
  });
  return rows;
}

function called(target: () => ArrayLike<number>, where: string): ArrayLike<number> {
  try {
    return atOnce(target);
  } catch (cause) {
    throw new OnebitError(`${where} cannot be made: ${reasonOf(cause)}`, { cause });
  }
}

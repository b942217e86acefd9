import { UsageError } from "onebit";
import { imagenetLabels } from "../imagenet-classes.js";

export interface Labels {
  readonly names: readonly string[];
  /** What was assumed. */
  readonly notes: readonly string[];
}

/** Class names as told, else ImageNet's for its numbers of classes, else numbers. */
export function labelsFor(classes: number, told: readonly string[] | undefined): Labels {
  if (told && told.length !== classes) {
    throw new UsageError(`${told.length} labels for ${classes} classes: one per class is wanted`);
  }
  if (told) return { names: told, notes: [] };
  const names = imagenetLabels(classes);
  if (!names) return { names: Array.from({ length: classes }, (_, i) => String(i)), notes: [] };
  const note = `${classes} classes: ImageNet's names are assumed; --labels gives others`;
  return { names, notes: [note] };
}

import { UsageError } from "onebit";
import { counted } from "onebit/words";
import { imagenetLabels } from "../imagenet-classes.js";

/** Names of the classes, one for each. */
export interface Labels {
  readonly names: readonly string[];
  /** What was assumed. */
  readonly notes: readonly string[];
}

/** Class names as told, else the family's, else ImageNet's for its numbers of classes, else numbers. */
export function labelsFor(classes: number, told?: readonly string[], family?: Labels): Labels {
  if (told) checkLabels(told, classes);
  if (told) return { names: told, notes: [] };
  if (family) return family;
  const numbers = { names: Array.from({ length: classes }, (_, i) => String(i)), notes: [] };
  return assumedLabels(classes) ?? numbers;
}

/** ImageNet's names where there are as many classes, which is noted. */
export function assumedLabels(classes: number): Labels | undefined {
  const names = imagenetLabels(classes);
  const note = `${classes} classes: ImageNet's names are assumed; --labels gives others`;
  return names && { names, notes: [note] };
}

/** One per class; how they begin shows what was read for names. */
export function checkLabels(told: readonly string[], classes: number): void {
  if (told.length === classes) return;
  const first = told
    .slice(0, 3)
    .map((name) => JSON.stringify(name))
    .join(", ");
  const more = told.length > 3 ? ", ..." : "";
  throw new UsageError(
    `${counted(told.length, "label")} for ${counted(classes, "class")}: one per class is wanted; they are ${first}${more}`,
  );
}

import { UsageError } from "onebit";
import { counted } from "onebit/words";
import { type Dataset, listNames } from "../data/index.js";

/** Fewer of a class hardly show what is common to it. */
const ADVISED = 50;
/** From so many times as many pictures on, a class is what a network answers when in doubt. */
const UNEVEN = 5;

/**
 * What a user should know about how many images the classes have. UsageError where there is nothing to
 * tell apart.
 */
export function classNotes(dataset: Dataset): string[] {
  const { spec, classes, test } = dataset;
  if (classes.length < 2) {
    throw new UsageError(
      `${spec}: ${listNames(classes)} is the only class: there is nothing to tell it from. Put the pictures of each other class, or of anything else, into a folder of their own beside it`,
    );
  }
  const counts = countsOf(dataset);
  return [...unevenNote(classes, counts, test.length), ...fewNote(classes, counts)];
}

interface Counts {
  /** By class. */
  readonly train: readonly number[];
  readonly test: readonly number[];
}

function countsOf({ classes, train, test }: Dataset): Counts {
  return { train: labelCounts(train, classes.length), test: labelCounts(test, classes.length) };
}

/** How many images each class has. */
export function labelCounts(split: Dataset["train"], classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < split.length; i++) counts[split.label(i)]++;
  return counts;
}

function unevenNote(classes: readonly string[], { train, test }: Counts, tests: number): string[] {
  const [fewest, most] = [Math.min(...train), Math.max(...train)];
  if (most < UNEVEN * Math.max(1, fewest)) return [];
  const [least, largest] = [train.indexOf(fewest), train.indexOf(most)];
  const share = ((100 * test[largest]) / tests).toFixed(1);
  return [
    `"${classes[least]}" has ${counted(fewest, "training image")}, "${classes[largest]}" ${most}: to answer "${classes[largest]}" to everything is right for ${share} % of the test images. Add images of the one, or take some of the other away`,
  ];
}

function fewNote(classes: readonly string[], { train }: Counts): string[] {
  const few = classes.filter((_, k) => train[k] < ADVISED);
  if (few.length === 0) return [];
  const numbers = train.filter((images) => images < ADVISED);
  const [fewest, most] = [Math.min(...numbers), Math.max(...numbers)];
  const images = `${fewest < most ? `${fewest} to ` : ""}${counted(most, "training image")}`;
  const which = few.length === classes.length ? "each class" : listNames(few);
  return [
    `${images} of ${which}: results get much better with ${ADVISED} and more of each class, and surer with as many to test on`,
  ];
}

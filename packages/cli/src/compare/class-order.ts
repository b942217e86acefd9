import { credibleLabels, hasNames, listNames, matchNames } from "@onebit/train/data";
import type { Scores, Subject } from "@onebit/train/subjects";
import { OnebitError } from "onebit";

export interface ClassOrder {
  /** numbers[k]: what the other network calls the first one's class k; absent: k too. */
  readonly numbers?: readonly number[];
  readonly notes: readonly string[];
}

type Named = Pick<Subject, "path"> & { readonly scores?: Omit<Scores, "classes"> };

/** Two networks of as many classes: by name where both have names, else by position. */
export function classOrder(first: Named, second: Named): ClassOrder {
  const [x = {}, y = {}] = [first.scores, second.scores];
  const a = { path: first.path, labels: credibleLabels(x, y.labels) };
  const b = { path: second.path, labels: credibleLabels(y, x.labels) };
  const [nameless] = [a, b].filter(({ labels }) => !hasNames(labels));
  if (!hasNames(a.labels) || !hasNames(b.labels)) {
    const isOne = hasNames(a.labels) || hasNames(b.labels);
    const note = `${nameless.path} names no classes: they are compared by position`;
    return { notes: isOne ? [note] : [] };
  }
  const { numbers, notes } = matchNames(a.labels, b.labels);
  if (numbers.every((number, k) => number === k)) return { notes };
  if (!numbers.includes(-1)) {
    const note = `${b.path} has the classes of ${a.path} in another order: compared by name`;
    return { numbers, notes: [...notes, note] };
  }
  const own = a.labels.filter((_, k) => numbers[k] < 0);
  const other = b.labels.filter((_, k) => !numbers.includes(k));
  throw new OnebitError(
    `the two name different classes: only ${a.path} has ${listNames(own)}, only ${b.path} ${listNames(other)}: they cannot be compared`,
  );
}

/** A row of logits in the order of the first network. */
export function inOrder(row: Float32Array, { numbers }: ClassOrder): Float32Array {
  return numbers ? Float32Array.from(numbers, (number) => row[number]) : row;
}

import { OnebitError } from "onebit";
import { counted } from "onebit/words";
import type { Dataset } from "./dataset.js";

/** Classes that are the same: `numbers[k]` of the one side is class k of the other, or -1. */
export interface NameMatch {
  readonly numbers: readonly number[];
  readonly notes: readonly string[];
}

/** How a data set fits a network: `numbers[k]` is the network's number of class k of the data. */
export interface ClassMatch extends NameMatch {
  /** Of the network, in its order; called as the data calls them where it has no names. */
  readonly classes: readonly string[];
}

/** What is known of a network's classes. */
export interface NetworkClasses {
  readonly classes: number;
  readonly labels?: readonly string[];
  /** Labels are only a guess by the number of classes. */
  readonly labelsAssumed?: boolean;
}

/** Composed characters (Macs decompose names of files), single spaces, none around. */
export function tidyName(name: string): string {
  return name.normalize("NFC").trim().replace(/\s+/g, " ");
}

/** Whether classes have names, not just their numbers. */
export function hasNames(labels: readonly string[] | undefined): labels is readonly string[] {
  return labels?.some((label, k) => label !== String(k)) ?? false;
}

/** At most five of them, for messages. */
export function listNames(names: readonly string[]): string {
  const shown = names
    .slice(0, 5)
    .map((name) => `"${name}"`)
    .join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown || "none";
}

const isNumber = (name: string) => /^\d{1,9}$/.test(name);

/** Forms of a name, the strictest first: the first in which only one class agrees decides. */
const FORMS: readonly ((name: string) => string)[] = [
  (name) => name,
  (name) => (isNumber(name) ? String(Number(name)) : name.toLowerCase().replace(/[\s_-]+/g, " ")),
  // "tench, Tinca tinca" is a tench.
  (name) =>
    name
      .toLowerCase()
      .replace(/[\s_-]+/g, " ")
      .replace(/,.*$/, ""),
];

/**
 * For each of `names` its number among `known`: as written; else in other letter case, with _ or -
 * for spaces, or by the first of several names, where that fits only one. Each class is taken once.
 */
export function matchNames(names: readonly string[], known: readonly string[]): NameMatch {
  const [left, right] = [names.map(tidyName), known.map(tidyName)];
  if (left.length === right.length && left.every((name, k) => name === right[k])) {
    return { numbers: left.map((_, k) => k), notes: [] };
  }
  const numbers = new Array<number>(left.length).fill(-1);
  const loose: string[] = [];
  const taken = new Set<number>();
  for (const [strictness, form] of FORMS.entries()) {
    const wanted = groups(left, form, (k) => numbers[k] < 0);
    const offered = groups(right, form, (k) => !taken.has(k));
    for (const [name, [k, ...others]] of wanted) {
      const [found, ...more] = offered.get(name) ?? [];
      if (found === undefined || others.length || more.length) continue;
      // "apple, red" is no "apple, green".
      if (strictness === 2 && left[k].includes(",") && right[found].includes(",")) continue;
      numbers[k] = found;
      taken.add(found);
      if (strictness > 0) loose.push(`"${names[k]}" as "${known[found]}"`);
    }
  }
  const shown = `${loose.slice(0, 3).join(", ")}${loose.length > 3 ? ` and ${loose.length - 3} more` : ""}`;
  return { numbers, notes: loose.length ? [`classes written differently: ${shown}`] : [] };
}

function groups(
  names: readonly string[],
  form: (name: string) => string,
  isOpen: (k: number) => boolean,
): Map<string, number[]> {
  const found = new Map<string, number[]>();
  names.forEach((name, k) => {
    if (!isOpen(k)) return;
    const key = form(name);
    found.set(key, [...(found.get(key) ?? []), k]);
  });
  return found;
}

/** A network's labels, unless they are assumed and none of the `others` is among them. */
export function credibleLabels(
  { labels, labelsAssumed }: Omit<NetworkClasses, "classes">,
  others: readonly string[] | undefined,
): readonly string[] | undefined {
  if (!labels || !labelsAssumed || !hasNames(others)) return labels;
  return matchNames(others, labels).numbers.some((number) => number >= 0) ? labels : undefined;
}

/**
 * Which class of the network each class of the data is: by name where both have names, else by
 * number. The data may have some of the network's classes; one that the network does not know is an
 * error with both lists.
 */
export function matchClasses(network: NetworkClasses, data: Dataset): ClassMatch {
  const { classes } = network;
  const labels = credibleLabels(network, data.classes);
  const match = matchedNumbers({ classes, labels }, data);
  const isSame = data.classes.length === classes && match.numbers.every((n, k) => n === k);
  const numbers = Array.from({ length: classes }, (_, k) => String(k));
  return { ...match, classes: hasNames(labels) ? labels : isSame ? data.classes : numbers };
}

function matchedNumbers(network: NetworkClasses, data: Dataset): NameMatch {
  const { labels } = network;
  const byName = hasNames(labels) ? bestMatch(data, labels) : undefined;
  if (byName && !byName.numbers.includes(-1)) {
    return { ...byName, notes: [...byName.notes, ...orderNotes(byName.numbers, network, data)] };
  }
  // Names that are other numbers than the positions: 0 of the data is not the network's first, "1".
  const isNumbered = hasNames(labels) && labels.every(isNumber);
  const byNumber = isNumbered ? undefined : matchNumbers(network, data);
  if (byNumber) return byNumber;
  if (byName && (isNumbered || hasNames(data.classes)))
    throw unknownNames(byName.numbers, labels!, data);
  throw new OnebitError(
    `${data.spec} has ${counted(data.classes.length, "class")}, the network ${network.classes}, and no names to match them by: evaluate it on the data it was trained for, or give names: --labels when it is imported, classes.txt in the data`,
  );
}

/** By the names, or by those of the class folders where a file beside them gives other ones. */
function bestMatch({ classes, folders }: Dataset, labels: readonly string[]): NameMatch {
  const match = matchNames(classes, labels);
  if (!folders || !match.numbers.includes(-1)) return match;
  const other = matchNames(folders, labels);
  return other.numbers.includes(-1) ? match : other;
}

function orderNotes(numbers: readonly number[], { classes }: NetworkClasses, { spec }: Dataset) {
  if (numbers.length < classes) {
    return [
      `${spec} has ${numbers.length} of the network's ${counted(classes, "class")}, matched by name`,
    ];
  }
  if (numbers.every((number, k) => number === k)) return [];
  return [`${spec} has the network's classes in another order: matched by name`];
}

/** Where a side has no names: by number, by WordNet id, or by position. */
function matchNumbers(network: NetworkClasses, data: Dataset): NameMatch | undefined {
  const { classes, folders = classes } = data;
  const positions = classes.map((_, k) => k);
  const isPlain = classes.length === network.classes;
  if (!hasNames(classes)) {
    const note = `the data name no classes: taken by position: ${listNames(network.labels ?? [])}`;
    const notes = hasNames(network.labels) ? [note] : [];
    return isPlain ? { numbers: positions, notes } : undefined;
  }
  const numbers = hasNames(network.labels) ? classes : folders;
  if (numbers.every(isNumber)) {
    return matchValues(numbers.map(Number), network.classes);
  }
  const inImagenet = imagenetNumbers(network, data);
  if (inImagenet) {
    return { numbers: inImagenet, notes: ["class folders are WordNet ids: matched by them"] };
  }
  if (!isPlain || hasNames(network.labels)) return undefined;
  const note = `the network names no classes: those of the data are taken by position: ${listNames(classes)}`;
  return { numbers: positions, notes: [note] };
}

/** Numbers from 0, or all from 1 on. */
function matchValues(values: readonly number[], classes: number): NameMatch | undefined {
  const positions = values.map((_, k) => k);
  if (values.length === classes && values.every((value, k) => value === k + 1)) {
    const note = `classes 1 to ${classes} of the data are the network's 0 to ${classes - 1}`;
    return { numbers: positions, notes: [note] };
  }
  if (new Set(values).size < values.length || Math.max(...values) >= classes) return undefined;
  const note = "the data's classes are numbers: taken as numbers of the network's, from 0";
  return { numbers: values, notes: values.every((value, k) => value === k) ? [] : [note] };
}

/**
 * Of a network of ImageNet's classes, from tench to toilet tissue, 1000 or with a background class
 * before them.
 */
function imagenetNumbers(
  { labels, classes }: NetworkClasses,
  { imagenet }: Dataset,
): readonly number[] | undefined {
  const first = classes - 1000;
  if (!imagenet || (first !== 0 && first !== 1)) return undefined;
  const isNamed = hasNames(labels);
  const isKnown =
    isNamed && /^tench\b/i.test(labels[first]) && /^toilet/i.test(labels[classes - 1]);
  return isKnown || !isNamed ? imagenet.map((number) => number + first) : undefined;
}

const isWordnetId = (name: string) => /^n\d{8}$/.test(name);

function unknownNames(numbers: readonly number[], labels: readonly string[], data: Dataset): Error {
  const of = (isMatched: boolean) => data.classes.filter((_, k) => numbers[k] >= 0 === isMatched);
  const unknown = of(false);
  const absent = labels.filter((_, k) => !numbers.includes(k));
  const remedy = unknown.some(isWordnetId)
    ? "the folders are named by WordNet ids: put a file with the names beside them (imagenet_class_index.json, or synset_words.txt with an id and a name per line)"
    : "rename the data's classes, or name the network's as they are (--labels when it is imported)";
  return new OnebitError(
    `${data.spec}: the network does not know ${unknown.length} of ${counted(data.classes.length, "class")}: ${listNames(unknown)}. The network's own without a match: ${listNames(absent)}; matched: ${listNames(of(true))}. Classes are never matched by position: ${remedy}`,
  );
}

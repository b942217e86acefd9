import { OnebitError } from "onebit";
import { type Graph, sizeOf, type Tensor } from "onebit/graph";
import { counted } from "onebit/words";
import { hasNames, listNames, matchNames } from "../data/index.js";
import type { Tensors } from "./float-model.js";

/** Tensors to start from, and what became of the classifier where it is not simply the given one. */
export interface Initialised {
  readonly tensors: { [key: string]: Tensor };
  /** Keys of the classifier's tensors that are not the given ones as they are. */
  readonly head: readonly string[];
  readonly notes: readonly string[];
}

/** What a training may start from. */
export interface Start {
  readonly tensors: Tensors;
  /** Names of the classes, where they are known. */
  readonly labels?: readonly string[];
  /** Where it came from, for messages. */
  readonly source: string;
}

/**
 * Starts from the tensors of another training. Rows of the classifier go by the names of the classes:
 * those of new classes start fresh, and so do all where no name is the same. Without names a
 * classifier of as many classes is taken as it is, one of more or fewer starts fresh. Counters and
 * mirrored scalars always do; every other difference is an error.
 */
export function initialiseFrom(
  graph: Graph,
  fresh: Tensors,
  { tensors: given, labels, source }: Start,
  classes: readonly string[],
): Initialised {
  const tensors: { [key: string]: Tensor } = { ...fresh };
  const rows = rowsByName(classes, labels);
  const head: string[] = [];
  const used = new Set<string>();
  const missing: string[] = [];
  for (const [key, { shape, kind, role }] of Object.entries(graph.tensors)) {
    const found = [key, alias(key)].find((name) => name in given);
    if (found) used.add(found);
    if (kind === "counter" || kind === "mirror") continue;
    if (!found) {
      if (kind !== "dead") missing.push(key);
      continue;
    }
    const tensor = given[found];
    const isHead = role === "classifier" && sameButClasses(tensor.shape, shape);
    if (isHead && (rows || tensor.shape[0] !== shape[0])) {
      if (rows && labels && labels.length !== tensor.shape[0]) {
        throw new OnebitError(
          `${source}: names ${counted(labels.length, "class")}, its "${found}" has ${tensor.shape[0]}: the file is damaged`,
        );
      }
      head.push(key);
      if (rows) tensors[key] = { shape, data: takeRows(fresh[key], tensor, rows) };
    } else if (fits(tensor, shape, found !== key)) tensors[key] = { shape, data: tensor.data };
    else {
      throw new OnebitError(
        `${source}: "${found}" is [${tensor.shape}], [${shape}] is wanted: it belongs to another network`,
      );
    }
  }
  refuse(source, "lacks", missing);
  refuse(source, "has, and this network has not,", strangers(given, used, graph));
  const notes = head.length ? headNotes(head, rows, classes, labels) : nameless(classes, labels);
  return { tensors, head, notes };
}

/** For each class the row to take, -1 for none; undefined where the rows are right as they are. */
function rowsByName(
  classes: readonly string[],
  labels: readonly string[] | undefined,
): readonly number[] | undefined {
  if (!hasNames(classes) || !hasNames(labels)) return undefined;
  const { numbers } = matchNames(classes, labels);
  const isSame = classes.length === labels.length && numbers.every((n, k) => n === k);
  return isSame ? undefined : numbers;
}

function takeRows(fresh: Tensor, { shape, data }: Tensor, rows: readonly number[]): Float32Array {
  const width = sizeOf(shape.slice(1));
  const taken = Float32Array.from(fresh.data);
  rows.forEach((row, k) => {
    if (row >= 0) taken.set(data.subarray(row * width, (row + 1) * width), k * width);
  });
  return taken;
}

function headNotes(
  head: readonly string[],
  rows: readonly number[] | undefined,
  classes: readonly string[],
  labels: readonly string[] | undefined,
): string[] {
  const keys = head.join(", ");
  if (!rows) return [`${keys} start fresh: the class count differs`];
  const kept = rows.filter((row) => row >= 0).length;
  const added = classes.filter((_, k) => rows[k] < 0);
  const gone = (labels ?? []).filter((_, row) => !rows.includes(row));
  if (kept === 0) {
    return [
      `${keys} start fresh: no class has the same name (${listNames(classes)}; given: ${listNames(gone)})`,
    ];
  }
  const changes = [
    ...(added.length ? [`new ones for ${listNames(added)}`] : []),
    ...(gone.length ? [`none for ${listNames(gone)}`] : []),
  ];
  return [
    `${keys}: ${counted(kept, "row")} taken by class name${changes.map((text) => `, ${text}`).join("")}`,
  ];
}

/** A head that is taken by position although one side has names. */
function nameless(classes: readonly string[], labels: readonly string[] | undefined): string[] {
  if (hasNames(classes) === hasNames(labels)) return [];
  const [who, named] = hasNames(classes)
    ? ["the given weights name", classes]
    : ["the data name", labels ?? []];
  return [`${who} no classes: the classifier is taken by position, for ${listNames(named)}`];
}

/** ReActNet's step 1 calls a weight ".weight", step 2 stores it flat as ".weights". */
function alias(key: string): string {
  if (key.endsWith(".weights")) return key.slice(0, -1);
  return key.endsWith(".weight") ? `${key}s` : key;
}

function fits({ shape }: Tensor, wanted: readonly number[], renamed: boolean): boolean {
  return renamed ? sizeOf(shape) === sizeOf(wanted) : shape.join() === wanted.join();
}

function sameButClasses(given: readonly number[], wanted: readonly number[]): boolean {
  return given.slice(1).join() === wanted.slice(1).join();
}

/**
 * Keys that belong to nothing here. Counters and mirrors differ between the forms of a network (the
 * real twin has no temperature), and hold nothing that was learned.
 */
function strangers(given: Tensors, used: ReadonlySet<string>, graph: Graph): string[] {
  const bookkeeping = /\.(num_batches_tracked|temperature)$/;
  return Object.keys(given).filter(
    (key) => !used.has(key) && !(key in graph.tensors) && !bookkeeping.test(key),
  );
}

function refuse(source: string, what: string, keys: readonly string[]): void {
  if (!keys.length) return;
  const listed = keys.slice(0, 3).join(", ");
  const more = keys.length > 3 ? ` and ${keys.length - 3} more` : "";
  throw new OnebitError(
    `${source}: ${what} ${listed}${more}: give a checkpoint of the same architecture`,
  );
}

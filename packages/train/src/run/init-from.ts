import { OnebitError } from "onebit";
import { type Graph, sizeOf, type Tensor } from "onebit/graph";
import type { Tensors } from "./float-model.js";

/** Tensors to start from, and the keys that keep their fresh values: a head of another size. */
export interface Initialised {
  readonly tensors: { [key: string]: Tensor };
  readonly reinitialised: readonly string[];
}

/**
 * Starts from the tensors of another training. The classifier may have another number of classes:
 * then it starts fresh. Counters and mirrored scalars always do; every other difference is an error.
 *
 * given: where they came from, for messages.
 */
export function initialiseFrom(
  graph: Graph,
  fresh: Tensors,
  given: Tensors,
  source: string,
): Initialised {
  const tensors: { [key: string]: Tensor } = { ...fresh };
  const reinitialised: string[] = [];
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
    if (fits(tensor, shape, found !== key)) tensors[key] = { shape, data: tensor.data };
    else if (role === "classifier" && sameButClasses(tensor.shape, shape)) reinitialised.push(key);
    else {
      throw new OnebitError(
        `${source}: "${found}" is [${tensor.shape}], [${shape}] is wanted: it belongs to another network`,
      );
    }
  }
  refuse(source, "lacks", missing);
  refuse(source, "has, and this network has not,", strangers(given, used, graph));
  return { tensors, reinitialised };
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

import type { GraphBuilder } from "onebit/graph";

/**
 * Adds a loss to a network's graph and returns the name of its value, a scalar.
 *
 * outputs: what the network has: `outputs.get("logits")` is [N, classes]; features by their names.
 * inputs: what comes with a batch: "target" [N, classes], the labels as a distribution over the classes;
 * where there are teachers, "teacher0.logits" [N, classes] and what else they have, likewise "teacher1." and
 * so on; and what the caller of the training adds.
 *
 * Weights are tensors of the builder (`b.tensors`), for losses that look at them.
 */
export type Loss = (b: GraphBuilder, outputs: NamedValues, inputs: NamedValues) => string;

/** What messages and runs call it: its words, or the function's name. */
export function lossName(loss: Loss | string): string {
  return typeof loss === "string" ? loss : `function ${loss.name || "without a name"}`;
}

/** Values of a graph by their public names. */
export interface NamedValues {
  readonly names: readonly string[];
  /** The value in the graph. Throws an OnebitError that lists the names there are. */
  get(name: string): string;
}

/** A loss that a recipe names, in a file of its own. */
export interface LossKind<Options extends LossOptions = LossOptions> {
  readonly name: string;
  /** In one line, for lists. */
  readonly description: string;
  /** Paper and equation. */
  readonly source: string;
  /** Every option with its default. */
  readonly defaults: Options;
  /** Options that are one of several words. */
  readonly words?: { readonly [option: string]: readonly string[] };
  /** Least and most of options that are numbers. */
  readonly ranges?: { readonly [option: string]: readonly [least: number, most: number] };
  /** Those of them that are whole. */
  readonly whole?: readonly string[];
  make(options: Options): Loss;
}

/** An option "teacher", which says whom a loss asks. */
export const TEACHER_NUMBER = { ranges: { teacher: [0, 999] }, whole: ["teacher"] } as const;

/** Options of a loss with their values. */
export type LossOptions = { readonly [option: string]: number | string };

/** Names of what teacher `t` (from 0) says. */
export const teacherValue = (t: number, output = "logits") => `teacher${t}.${output}`;

/** Which of a teacher's outputs a name means; undefined for other names. */
export const teacherOutput = (name: string): string | undefined =>
  /^teacher\d+\.(.*)$/.exec(name)?.[1];

/** Which teacher a name is of; undefined for names of other inputs. */
export function teacherNumber(name: string): number | undefined {
  const [, number] = /^teacher(\d+)\./.exec(name) ?? [];
  return number === undefined ? undefined : Number(number);
}

/** How many teachers there are. */
export function teacherCount({ names }: NamedValues): number {
  let count = 0;
  while (names.includes(teacherValue(count))) count++;
  return count;
}

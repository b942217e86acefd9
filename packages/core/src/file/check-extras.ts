import { OnebitError } from "../errors.js";
import { parsePreprocess } from "../image/parse-preprocess.js";
import type { Preprocess } from "../image/preprocess.js";
import { record, strings } from "../program/json.js";
import type { Program } from "../program/types.js";
import type { Card } from "./onebit-file.js";

/** Preprocessing, labels and card, checked against the program that they belong to. */
export function checkExtras({
  program,
  preprocess,
  labels,
  card,
}: {
  readonly program: Program;
  readonly preprocess?: unknown;
  readonly labels?: unknown;
  readonly card?: unknown;
}): { preprocess?: Preprocess; labels?: string[]; card?: Card } {
  return {
    preprocess: preprocess === undefined ? undefined : checkPreprocess(preprocess, program),
    labels: labels === undefined ? undefined : checkLabels(labels, program),
    card: card === undefined ? undefined : record(card, "card"),
  };
}

function checkPreprocess(value: unknown, { values, input }: Program): Preprocess {
  const preprocess = parsePreprocess(value);
  const gives = [...preprocess.size, preprocess.channels];
  const { kind, shape } = values[input];
  if (kind === "map" && gives.join() === shape.join()) return preprocess;
  throw new OnebitError(
    `preprocess gives [${gives}] (H, W, C), the program takes a ${kind} [${shape}]`,
  );
}

function checkLabels(value: unknown, { values, outputs }: Program): string[] {
  const labels = strings(value, "labels");
  const classes = Object.hasOwn(outputs, "logits") ? values[outputs.logits].shape[2] : 0;
  if (labels.length === classes) return labels;
  throw new OnebitError(`labels: a list of ${labels.length} for ${classes} classes`);
}

import { OnebitError } from "onebit";
import { FLOAT_MODEL_ENTRY, parseFloatModelEntry } from "onebit/models";
import type { Checkpoint } from "../readers/checkpoint.js";
import type { FoundNetwork, NetworkOptions } from "./importer.js";

/**
 * Keys of several families are the same in every form: a float model of onebit's that says its weights are real must
 * not become a 1-bit network by being imported. OnebitError; `form` says otherwise.
 */
export function checkStatedForm(
  { metadata }: Pick<Checkpoint, "metadata">,
  { form }: Pick<FoundNetwork, "form">,
  told: NetworkOptions["form"],
): void {
  const stated = statedForm(metadata.get(FLOAT_MODEL_ENTRY));
  if (told !== undefined || stated === undefined || stated === form) return;
  throw new OnebitError(
    `a float model of onebit's of the form ${stated}, read as one of the form ${form} here, which is another network. Pack it or train on with it as it is; --form ${form} imports it so all the same`,
  );
}

function statedForm(entry: unknown): unknown {
  if (typeof entry !== "string") return undefined;
  const { architecture } = parseFloatModelEntry(entry);
  return "options" in architecture ? architecture.options.form : undefined;
}

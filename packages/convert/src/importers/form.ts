import type { Form } from "onebit/models";
import type { MetadataValue } from "../readers/checkpoint.js";
import type { TensorEntry } from "../readers/tensor-entry.js";
import { families, type ImportableFamily, type Shapes } from "./families.js";

/** Whether weights are binary, and how that was told. */
export interface FoundForm {
  readonly form: Form;
  /** Where keys do not tell: what was assumed, and why. */
  readonly note?: string;
}

/**
 * Binary, step 1 or real-valued. ReActNet's two training steps can have the same keys (4-D
 * `weight`); then tell, in this order:
 *
 *   weights that are +-s per output channel    binary, as the authors released them
 *   the optimiser beside the network           step 1 decays weights, step 2 does not
 *   neither                                    ReActNet-A: step 1, whose official keys these are;
 *                                              on ResNets, where both steps share them: binary
 *
 * Source: liuzechun/ReActNet and liuzechun/AdamBNN, run.sh of both steps.
 */
export async function findForm(
  family: ImportableFamily,
  tensors: ReadonlyMap<string, TensorEntry>,
  metadata: ReadonlyMap<string, MetadataValue>,
): Promise<FoundForm> {
  const shapes: Shapes = new Map([...tensors].map(([key, { shape }]) => [key, shape]));
  const form = families[family].form(shapes);
  if (form) return { form };
  if (await isSignsTimesScale(tensors)) return { form: "binary" };
  const either = "both of ReActNet's training steps have these keys";
  const decays = weightDecays(metadata);
  if (decays.length) {
    const decayed = decays.some((decay) => decay > 0);
    const [step, how] = decayed ? ["step1", "decays"] : ["binary", "does not decay"];
    const note = `${either}; taken as ${nameOf(step as Form)}, because the file's optimiser ${how} weights`;
    return { form: step as Form, note };
  }
  const assumed: Form = family === "reactnet" ? "step1" : "binary";
  return {
    form: assumed,
    note: `${either}; taken as ${nameOf(assumed)}, give the form if it is not`,
  };
}

const nameOf = (form: Form) =>
  form === "binary" ? "step 2, binary weights" : "step 1, real weights";

/** Looks at the smallest 1-bit convolution only. */
async function isSignsTimesScale(tensors: ReadonlyMap<string, TensorEntry>): Promise<boolean> {
  const convs = [...tensors.values()].filter(
    ({ key, shape }) => /\.binary_\w+\.weight$/.test(key) && shape.length === 4,
  );
  const [smallest] = convs.sort((a, b) => a.elements - b.elements);
  if (!smallest?.elements) return false;
  const weights = await smallest.floats();
  const length = weights.length / smallest.shape[0];
  return weights.every((w, i) => w !== 0 && Math.abs(w) === Math.abs(weights[i - (i % length)]));
}

function weightDecays(metadata: ReadonlyMap<string, MetadataValue>): number[] {
  return [...metadata].flatMap(([key, value]) =>
    /^optimizer\.param_groups\.\d+\.weight_decay$/.test(key) && typeof value === "number"
      ? [value]
      : [],
  );
}

import { OnebitError } from "onebit";
import type { MetadataValue } from "../../readers/checkpoint.js";
import type { FoundForm, Tensors } from "../catalogue/catalogued.js";
import { type Shapes, some } from "../catalogue/shapes.js";
import { binaryEvidence } from "./form-evidence.js";

/** Nats: by this much one form must explain the statistics better. A chance of 1 in 20,000. */
export const decisive = 10;

/**
 * Binary, step 1 or real-valued. Flat `weights` are binary. Both of ReActNet's training steps can have
 * 4-D `weight`: the official ReActNet-A only in step 1, AdamBNN's and those on ResNets in both. Then
 * tell, in this order:
 *
 *   weights that are +-s per output channel    binary, as the authors released them
 *   means that the batch norms have stored     of real weights or of signs; see binaryEvidence
 *   the optimiser beside the network           step 1 decays weights, step 2 does not
 *
 * OnebitError where none of these tells. Source of the last: liuzechun/ReActNet and
 * liuzechun/AdamBNN, run.sh of both steps.
 */
export async function reactnetForm(
  tensors: Tensors,
  shapes: Shapes,
  metadata: ReadonlyMap<string, MetadataValue>,
): Promise<FoundForm> {
  if (some(shapes, /\.binary_\w+\.weights$/)) return { form: "binary" };
  if (await isSignsTimesScale(tensors)) return { form: "binary" };
  const evidence = await binaryEvidence(tensors);
  if (Math.abs(evidence) > decisive) {
    const seen = evidence > 0 ? "signs" : "real weights";
    return taken(evidence > 0, `because the means in its batch norms are those of ${seen}`);
  }
  const decays = weightDecays(metadata);
  if (decays.length === 0) throw undecided();
  const decayed = decays.some((decay) => decay > 0);
  const how = decayed ? "decays" : "does not decay";
  return taken(!decayed, `because the file's optimiser ${how} weights`);
}

const either = "both of ReActNet's training steps have these keys";

function taken(isBinary: boolean, why: string): FoundForm {
  const [form, name, other] = isBinary
    ? (["binary", "step 2, binary weights", "step1"] as const)
    : (["step1", "step 1, real weights", "binary"] as const);
  return { form, note: `${either}; taken as ${name}, ${why}; --form ${other} if it is not` };
}

function undecided(): OnebitError {
  return new OnebitError(
    `${either}, and nothing in the file tells which it is: say --form binary (step 2, 1-bit weights) or --form step1 (real weights, binary activations)`,
  );
}

/** Looks at the smallest 1-bit convolution only. */
export async function isSignsTimesScale(tensors: Tensors): Promise<boolean> {
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

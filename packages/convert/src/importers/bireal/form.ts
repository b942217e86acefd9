import type { FoundForm, Tensors } from "../catalogue/catalogued.js";
import { type Shapes, some } from "../catalogue/shapes.js";
import { decisive, isSignsTimesScale } from "../reactnet/form.js";
import { binaryEvidence } from "../reactnet/form-evidence.js";

/**
 * Binary where weights are flat, as the authors write them. 4-D ones are binary too unless the batch norms
 * behind them have seen real weights: the authors' training has no step with such keys.
 */
export async function birealForm(tensors: Tensors, shapes: Shapes): Promise<FoundForm> {
  if (some(shapes, /\.binary_conv\.weights$/) || (await isSignsTimesScale(tensors))) {
    return { form: "binary" };
  }
  if ((await binaryEvidence(tensors)) > -decisive) return { form: "binary" };
  return {
    form: "step1",
    note: "taken as step 1, real weights, because the means in its batch norms are those of real weights; --form binary if it is not",
  };
}

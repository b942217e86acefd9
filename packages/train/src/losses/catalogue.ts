import { attention } from "./attention.js";
import { crossEntropy } from "./cross-entropy.js";
import { distillation } from "./distillation.js";
import { distribution } from "./distribution.js";
import { gapAware } from "./gap-aware.js";
import { kurtosis } from "./kurtosis.js";
import type { LossKind, LossOptions } from "./loss.js";
import { magnitude } from "./magnitude.js";

/** What a recipe may name; a new one is a file and a line here. */
export const LOSSES: readonly LossKind[] = [
  crossEntropy,
  distribution,
  gapAware,
  distillation,
  attention,
  magnitude,
  kurtosis,
].map(anyOptions);

/** parse.ts gives each kind options of the types that its defaults have. */
function anyOptions<O extends LossOptions>(kind: LossKind<O>): LossKind {
  return kind as unknown as LossKind;
}

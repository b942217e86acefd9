export { LOSSES } from "./catalogue.js";
export {
  type Loss,
  type LossKind,
  type LossOptions,
  lossName,
  type NamedValues,
  teacherNumber,
  teacherOutput,
  teacherValue,
} from "./loss.js";
export { lossOf } from "./own.js";
export { parseLoss, parseTerms } from "./parse.js";
export { targetsFromLabels } from "./targets.js";

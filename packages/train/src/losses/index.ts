export { crossEntropy, distributionLoss } from "./cross-entropy.js";
export { targetsFromLabels } from "./targets.js";

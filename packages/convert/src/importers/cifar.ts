import type { Labels } from "./labels.js";

/** Classes of CIFAR-10, in the order of its labels. */
export const cifar10 = "airplane automobile bird cat deer dog frog horse ship truck".split(" ");

/** Classes of networks for 32 pixel images. */
export function cifarLabels(classes: number): Labels | undefined {
  if (classes !== 10) return undefined;
  return {
    names: cifar10,
    notes: ["10 classes: CIFAR-10's names are assumed; --labels gives others"],
  };
}

/** Means and deviations of a training set's pixels, as those who train on it write them. */
export function cifarStatistics(classes: number) {
  if (classes === 100) return { mean: [0.507, 0.4865, 0.4409], std: [0.2673, 0.2564, 0.2761] };
  return { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] };
}

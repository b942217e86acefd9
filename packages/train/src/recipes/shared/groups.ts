import type { GroupRule } from "../../optimisers/index.js";

/**
 * BNext's parameter groups: tensors with four dimensions or "binary_conv" in their name (filters,
 * but also thresholds and mixing scales, which are [1, C, 1, 1]) hardly decay.
 */
export const bnextGroups: readonly GroupRule[] = [
  { name: "filters", rank: 4, nameIncludes: "binary_conv", weightDecay: 1e-8 },
];

/** ReActNet's: only tensors with four dimensions or "conv" in their name decay. */
export function reactnetGroups(weightDecay: number): readonly GroupRule[] {
  return [{ name: "filters", rank: 4, nameIncludes: "conv", weightDecay }];
}

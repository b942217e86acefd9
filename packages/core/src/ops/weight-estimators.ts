/** What may stand in for the derivative of a weight's sign, by name; see binarizeWeight. */
export const weightEstimators = ["identity", "clip", "magnitude", "scaled"] as const;

/** One of weightEstimators. */
export type WeightEstimator = (typeof weightEstimators)[number];

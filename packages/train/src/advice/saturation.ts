import { type Advice, twiceFrom } from "./advice.js";

/** From this share of the inputs of its signs on. */
export const SATURATED = 0.9;

/** Signs whose estimator hardly passes a gradient, in two observations one after the other. */
export const saturation = (): Advice =>
  twiceFrom(
    SATURATED,
    "saturation",
    (layers) =>
      `saturated signs before ${layers}: so many of their inputs lie where the estimator passes no gradient, and what comes before hardly learns from them. Bring the inputs to about -1 to 1 (a batch normalisation before the sign), widen the estimator's window (range), or lower the learning rate`,
  );

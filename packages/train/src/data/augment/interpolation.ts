import type { Interpolation, Preprocess } from "onebit/image";
import type { Random } from "../random.js";

/** "evaluation": that of the plain resize; "random": one of both, alike often. */
export type InterpolationChoice = Interpolation | "evaluation" | "random";

export const INTERPOLATIONS: readonly InterpolationChoice[] = [
  "evaluation",
  "bilinear",
  "bicubic",
  "random",
];

export function interpolationOf(
  choice: InterpolationChoice,
  { interpolation }: Pick<Preprocess, "interpolation">,
  random: Random,
): Interpolation {
  if (choice === "evaluation") return interpolation;
  if (choice === "random") return random.chance(0.5) ? "bilinear" : "bicubic";
  return choice;
}

import type { Random } from "../random.js";
import type { RawImage } from "../split.js";
import type { ImageAugmentation } from "./augmentation.js";
import { INTERPOLATIONS, type InterpolationChoice, interpolationOf } from "./interpolation.js";
import { type Option, word } from "./options.js";
import { RAND_OPERATIONS, type RandContext, type RandOperation } from "./rand-operations.js";
import { parsePolicy, type RandPolicy } from "./rand-policy.js";

type RandAugmentOptions = {
  readonly policy: string;
  readonly interpolation: InterpolationChoice;
};

const policy: Option<string> = {
  usual: "rand-m9-mstd0.5",
  problem(value) {
    if (typeof value !== "string") {
      return `${JSON.stringify(value)} must be a policy such as "rand-m7-mstd0.5-inc1"`;
    }
    try {
      parsePolicy(value);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  },
};

/** RandAugment by a policy of timm; what geometry leaves open is filled with the data's mean. */
export const randAugment: ImageAugmentation<RandAugmentOptions> = {
  of: "image",
  name: "randAugment",
  description: "operations chosen at random, by a policy of timm such as rand-m7-mstd0.5-inc1",
  source: "arXiv 1909.13719; operations, magnitudes and policies as timm 0.6",
  options: { policy, interpolation: word("random", INTERPOLATIONS) },
  bare: ["policy"],
  make({ policy, interpolation }, preprocess) {
    const parsed = parsePolicy(policy);
    const fill = preprocess.mean.map((mean) => Math.min(255, Math.max(0, Math.round(255 * mean))));
    return (image, random) => {
      const context: RandContext = {
        random,
        fill,
        interpolation: () => interpolationOf(interpolation, preprocess, random),
      };
      return chosen(parsed, random).reduce(
        (seen, operation) => applied(seen, operation, parsed, context),
        image,
      );
    };
  },
};

/** All alike often, also twice; or by weight, each once. */
export function chosen(
  { operations, weighted }: Pick<RandPolicy, "operations" | "weighted">,
  random: Random,
): RandOperation[] {
  if (!weighted) {
    return Array.from({ length: operations }, () => {
      return RAND_OPERATIONS[random.integer(RAND_OPERATIONS.length)];
    });
  }
  const left = RAND_OPERATIONS.filter(({ weight }) => weight > 0);
  const picked: RandOperation[] = [];
  while (picked.length < operations && left.length) {
    let rest = random.uniform(
      0,
      left.reduce((sum, { weight }) => sum + weight, 0),
    );
    const index = left.findIndex(({ weight }) => {
      rest -= weight;
      return rest < 0;
    });
    picked.push(...left.splice(index, 1));
  }
  return picked;
}

function applied(
  image: RawImage,
  { apply, increasing }: RandOperation,
  policy: RandPolicy,
  context: RandContext,
): RawImage {
  const { random } = context;
  if (!random.chance(policy.probability)) return image;
  const operation = policy.increasing ? (increasing ?? apply) : apply;
  return operation(image, magnitude(policy, random) / 10, context);
}

export function magnitude({ magnitude, deviation, most }: RandPolicy, random: Random): number {
  if (deviation === Number.POSITIVE_INFINITY) {
    return Math.min(most, random.uniform(0, magnitude));
  }
  const drawn = deviation > 0 ? magnitude + deviation * random.normal() : magnitude;
  return Math.max(0, Math.min(most, drawn));
}

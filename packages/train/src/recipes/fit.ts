import { counted } from "onebit/words";
import type { Recipe } from "./recipe.js";

/** A recipe for so many training images, and what was changed. */
export interface FittedRecipe {
  readonly recipe: Recipe;
  readonly notes: readonly string[];
}

/** Follows `recipe.fit`: a batch that the images fill, and epochs enough for its steps. */
export function fitRecipe(recipe: Recipe, images: number): FittedRecipe {
  const { recipe: smaller, notes } = fitBatch(recipe, images);
  return { recipe: fitEpochs(smaller, images), notes };
}

/** Halved until the images fill it; so is the micro-batch, that threads still share the work. */
function fitBatch(recipe: Recipe, images: number): FittedRecipe {
  const { fit, batch } = recipe;
  if (!fit.batch || images >= batch || images === 0) return { recipe, notes: [] };
  let fitting = batch;
  let { microBatch } = recipe;
  while (fitting > images) {
    fitting = Math.floor(fitting / 2);
    microBatch = microBatch && Math.floor(microBatch / 2);
  }
  const divides = microBatch !== null && microBatch >= 8 && fitting % microBatch === 0;
  return {
    recipe: { ...recipe, batch: fitting, microBatch: divides ? microBatch : null },
    notes: [`batch ${fitting} instead of ${batch}, for ${counted(images, "training image")}`],
  };
}

function fitEpochs(recipe: Recipe, images: number): Recipe {
  const { fit, epochs, batch } = recipe;
  const stepsPerEpoch = Math.max(1, Math.floor(images / batch));
  const least = Math.ceil((fit.leastSteps ?? 0) / stepsPerEpoch);
  return { ...recipe, epochs: Math.max(epochs, least) };
}

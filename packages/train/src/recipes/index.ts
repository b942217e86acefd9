export { recipes } from "./catalogue.js";
export { type FittedRecipe, fitRecipe } from "./fit.js";
export type { FitConfig, Recipe, RecipeOverrides, RecipeStage } from "./recipe.js";
export { overrideRecipe, parseOverrides, resolveRecipe } from "./resolve.js";

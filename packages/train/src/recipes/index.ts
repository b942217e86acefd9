export { recipes } from "./catalogue.js";
export type { LossConfig, Recipe, RecipeOverrides, RecipeStage } from "./recipe.js";
export { overrideRecipe, parseOverrides, resolveRecipe } from "./resolve.js";

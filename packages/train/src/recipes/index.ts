export { recipes } from "./catalogue.js";
export { type RecipeField, recipeFields } from "./fields.js";
export { type FittedRecipe, fitRecipe } from "./fit.js";
export type {
  EvaluationConfig,
  FitConfig,
  Recipe,
  RecipeOverrides,
  RecipeStage,
  TeachingConfig,
} from "./recipe.js";
export { overrideRecipe, parseOverrides, resolveRecipe } from "./resolve.js";

import { UsageError } from "onebit";
import { unknownName } from "onebit/words";
import { overrideRecipe, type Recipe, type RecipeStage } from "../recipes/index.js";

/** One of the trainings of a recipe, which follow each other. */
export interface Stage {
  /** null: the last. */
  readonly name: string | null;
  readonly recipe: Recipe;
}

/** In the order in which they are trained; the last is the recipe itself. UsageError for names that are no folders. */
export function stagesOf(whole: Recipe): Stage[] {
  for (const [i, stage] of whole.stages.entries()) checkFields(stage, i);
  const names = whole.stages.map(({ name }) => name);
  names.forEach((name, i) => {
    if (!/^[\w-]+$/.test(name) || TAKEN.includes(name) || names.indexOf(name) !== i) {
      throw new UsageError(
        `stages: "${name}" cannot be the name of stage ${i + 1}, which is a folder of the run: take letters, digits, - and _, each name once, and none of ${TAKEN.join(", ")}`,
      );
    }
  });
  const earlier = whole.stages.map(({ name, overrides }) => ({
    name,
    recipe: { ...overrideRecipe(whole, overrides), stages: [] },
  }));
  return [...earlier, { name: null, recipe: whole }];
}

const FIELDS: readonly string[] = ["name", "overrides"];

function checkFields(stage: RecipeStage, i: number): void {
  const place = `stages[${i}]`;
  const isGroup = (value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isGroup(stage) || typeof stage.name !== "string" || !isGroup(stage.overrides)) {
    throw new UsageError(
      `${place} is ${JSON.stringify(stage)}: a name and overrides (a group of fields) are wanted`,
    );
  }
  const strange = Object.keys(stage).find((field) => !FIELDS.includes(field));
  if (strange === undefined) return;
  throw new UsageError(`${place}: ${unknownName("field", strange, FIELDS)}`);
}

/** What else lies in a run's folder. */
const TAKEN: readonly string[] = ["checkpoint", "best", "lock"];

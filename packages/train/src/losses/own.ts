import { isModule, loadOwn, moduleName } from "../own/own-module.js";
import type { Loss } from "./loss.js";

/** A loss as a recipe names it: words for parseLoss, or what a module of the user's own exports. */
export async function lossOf(name: string): Promise<Loss | string> {
  if (!isModule(name)) return name;
  const own = await loadOwn<Loss>(name, "a loss", { "": "function" });
  const loss: Loss = (...given) => own(...given);
  // What messages call it: as a rule a default export is called "default".
  return Object.defineProperty(loss, "name", { value: `of ${moduleName(name)}` });
}

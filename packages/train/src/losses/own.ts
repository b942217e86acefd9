import { isModule, loadOwn } from "../own/own-module.js";
import type { Loss } from "./loss.js";

/** A loss as a recipe names it: words for parseLoss, or what a module of the user's own exports. */
export async function lossOf(name: string): Promise<Loss | string> {
  return isModule(name) ? loadOwn<Loss>(name, "a loss", { "": "function" }) : name;
}

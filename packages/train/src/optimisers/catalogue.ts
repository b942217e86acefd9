import { adam, adamw } from "./adam.js";
import { bop } from "./bop.js";
import type { Optimiser } from "./optimiser.js";
import { radam } from "./radam.js";
import { sgd } from "./sgd.js";

/** What a recipe may name; a new one is a file and a line here. */
export const OPTIMISERS: readonly Optimiser[] = [adam, adamw, radam, sgd, bop];

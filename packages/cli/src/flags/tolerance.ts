import { flag } from "./flag.js";
import { fraction } from "./readers.js";

export const tolerance = flag("--tolerance <x>", "largest relative error", fraction(1e-4));

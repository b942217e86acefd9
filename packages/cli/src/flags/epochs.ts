import { flag } from "./flag.js";
import { wholeNumber } from "./readers.js";

export const epochs = flag("--epochs <n>", "epochs", wholeNumber).otherwise("the recipe's");

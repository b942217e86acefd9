export { counted } from "./counted.js";
export { shellCommand, shellWord } from "./shell.js";

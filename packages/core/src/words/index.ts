/**
 * Words of messages: things counted, commands that a shell takes.
 *
 * ```ts
 * import { counted, shellCommand } from "onebit/words";
 *
 * console.log(counted(60_000, "image"));
 * console.log(shellCommand("onebit", "run", "my model.onebit"));
 * ```
 *
 * @module onebit/words
 */
export { closest } from "./closest.js";
export { counted } from "./counted.js";
export { shellCommand, shellWord } from "./shell.js";
export { unknownName } from "./unknown-name.js";

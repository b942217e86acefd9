/**
 * Words of messages: things counted, commands that a shell takes.
 *
 * ```ts
 * import { counted, onebitCommand } from "onebit/words";
 *
 * console.log(counted(60_000, "image"));
 * console.log(onebitCommand("run", "my model.onebit"));
 * ```
 *
 * @module onebit/words
 */
export { closest } from "./closest.js";
export { counted } from "./counted.js";
export { onebitCommand, shellCommand, shellWord } from "./shell.js";
export { unknownName } from "./unknown-name.js";

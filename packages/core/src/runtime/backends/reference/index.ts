/**
 * The backend in plain TypeScript, with which all others are compared.
 *
 * ```ts
 * import { load } from "onebit";
 * import { reference } from "onebit/reference";
 *
 * const model = await load("fashion.onebit", { backend: reference });
 * console.log(model.backend); // reference
 * model.dispose();
 * ```
 *
 * @module onebit/reference
 */

import type { Backend } from "../../backend.js";
import { prepareProgram } from "./program.js";

/**
 * Plain TypeScript, in the order that the program's contract states: what every other backend is
 * compared with, bit for bit. Slow, and available everywhere.
 */
export const reference: Backend = {
  name: "reference",
  ...{ threads: "one", exact: "bits", fast: false },
  unavailable: async () => undefined,
  compile: async (program, tensors, { memory }) => prepareProgram(program, tensors, memory),
};

export { createContext, runStep, runValues, type StepContext } from "./program.js";

export default reference;

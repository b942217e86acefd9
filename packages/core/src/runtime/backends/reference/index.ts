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

/**
 * The suite that every backend must pass: random convolutions and networks, bit for bit.
 *
 * ```ts
 * import { runConformance, subjectsHere } from "onebit/conformance";
 *
 * const { subjects } = await subjectsHere(["reference", "wasm"], [1]);
 * const report = await runConformance({ subjects, convolutions: 32, networks: 2, faults: 0 });
 * console.log(report.ok, report.failures);
 * ```
 *
 * @module onebit/conformance
 */

export { extremeProgram } from "./extreme-program.js";
export { firstDifference } from "./guarded-run.js";
export { drawn, Random } from "./random.js";
export { type RandomProgram, randomProgram } from "./random-program.js";
export {
  type ConformanceOptions,
  type ConformanceReport,
  type FaultReport,
  runConformance,
  type Subject,
  type SubjectReport,
} from "./run.js";
export { type Subjects, subjectsHere } from "./subjects.js";

export { extremeProgram } from "./extreme-program.js";
export { firstDifference } from "./guarded-run.js";
export { Random } from "./random.js";
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

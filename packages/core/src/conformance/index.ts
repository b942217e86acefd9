export {
  type ConformanceOptions,
  type ConformanceReport,
  type FaultReport,
  runConformance,
  type Subject,
  type SubjectReport,
} from "./run.js";
export { type Subjects, subjectsHere } from "./subjects.js";

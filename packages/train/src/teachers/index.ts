export {
  type GivenTeacher,
  type NamedTeacher,
  namedTeachers,
  seatsOf,
  type TeacherChoice,
  type TeacherOptions,
  type TeachingOptions,
} from "./choice.js";
export {
  type Knowledge,
  type KnowledgeOptions,
  knowledgeOf,
  rankTeachers,
  saidOf,
  USUAL_EPSILON,
} from "./knowledge.js";
export { checkEachTeaches, checkEnough, chosenTeachers, otherTeachersNote } from "./needs.js";
export { givenTeachers, type Teacher } from "./teacher.js";
export { type TeacherRecord, Teachers } from "./teachers.js";
export type { ViewOptions, Views } from "./views.js";

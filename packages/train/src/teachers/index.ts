export {
  type GivenTeacher,
  namedTeachers,
  seatsOf,
  type TeacherChoice,
  type TeacherOptions,
  type TeachingOptions,
} from "./choice.js";
export { checkEachTeaches, checkEnough, chosenTeachers, otherTeachersNote } from "./needs.js";
export { givenTeachers, type Teacher } from "./teacher.js";
export { type TeacherRecord, Teachers } from "./teachers.js";
export type { ViewOptions, Views } from "./views.js";

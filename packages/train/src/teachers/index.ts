export type { TeacherChoice, TeacherOptions } from "./choice.js";
export { type TeacherRecord, Teachers } from "./teachers.js";

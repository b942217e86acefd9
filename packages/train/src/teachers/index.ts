export type { TeacherChoice, TeacherOptions, TeachingOptions } from "./choice.js";
export { type TeacherRecord, Teachers } from "./teachers.js";
export type { ViewOptions } from "./views.js";

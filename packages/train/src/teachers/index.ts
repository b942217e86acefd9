export type { TeacherChoice, TeacherOptions, TeachingOptions } from "./choice.js";
export type { Teacher } from "./teacher.js";
export { type TeacherRecord, Teachers } from "./teachers.js";
export type { ViewOptions, Views } from "./views.js";

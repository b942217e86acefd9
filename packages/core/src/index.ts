export { OnebitError, UsageError } from "./errors.js";

export { type RandomProgram, randomProgram } from "../conformance/random-program.js";

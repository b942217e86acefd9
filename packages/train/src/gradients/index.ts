export { type GradientOptions, gradientOutput, gradients } from "./gradients.js";

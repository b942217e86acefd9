export { type ComparedRun, compareRuns, type RunComparison } from "./comparison.js";
export { comparisonPage } from "./page.js";
export type { DifferingSetting } from "./settings.js";

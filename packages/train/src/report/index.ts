export { reportHtml } from "./report.js";
export type { Confusion, Curve, Latency, LayerCost, Report, Sample } from "./types.js";

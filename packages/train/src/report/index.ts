export { historyCurves } from "./history-curves.js";
export { layerCosts } from "./layer-costs.js";
export { reportHtml } from "./report.js";
export type {
  Confusion,
  Curve,
  Latency,
  LayerCost,
  Report,
  Sample,
  WatchedLayers,
} from "./types.js";
export { watchedLayersOf } from "./watched-layers.js";

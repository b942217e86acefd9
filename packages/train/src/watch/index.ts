export type { LayerObservation, Observation, SeenWeights } from "./layer-watch.js";
export { compileWatching, type WatchedSign, type WatchPlan } from "./watch-graph.js";
export { type WatchedLayer, watchedLayers } from "./watched-layers.js";

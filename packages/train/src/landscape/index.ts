export { type Direction, filterNormalised, movedBy } from "./directions.js";
export { type LandscapeOptions, landscape } from "./landscape.js";
export { contoursSvg, sliceSvg } from "./pictures.js";
export { type GridSettings, LandscapeFolder, type LandscapeRecord } from "./record.js";
export type { LandscapeResult, NetworkLandscape } from "./result.js";
export { roughness } from "./roughness.js";

/** What only a loader with the options `input` and `maps` runs. Together: bundlers split what modules share. */
export { withMaps } from "./narrow-maps.js";
export { atInputSize } from "./resize.js";

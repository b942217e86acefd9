export { barsChart } from "./bars.js";
export { contour, type Grid, type Point } from "./contours.js";
export { type Histogram, histogram, histogramChart } from "./histogram.js";
export { type Lines, lineChart } from "./lines.js";
export { linearScale, logScale, rangeOf, type Scale } from "./scale.js";
export { type Scatter, type ScatterPoint, scatterChart } from "./scatter.js";
export { type Axis, axes, COLOURS, colourOf, type Frame, legend, svg } from "./svg.js";

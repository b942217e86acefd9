export { flatten, unflatten } from "./flat.js";
export { freeze } from "./freeze.js";
export { initialTensors } from "./initialise.js";
export { type Layout, layoutOf, type Segment, viewsOf } from "./layout.js";
export { checkPattern } from "./patterns.js";

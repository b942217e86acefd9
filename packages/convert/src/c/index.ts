export { type DeviceNeeds, deviceNeeds } from "./device-needs.js";
export { type CProject, type ExportCOptions, exportC } from "./export-c.js";
export { nameFrom } from "./names.js";

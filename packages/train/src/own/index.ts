export { isModule, loadOwn } from "./own-module.js";
export { type ModuleRecord, ownModules } from "./own-modules.js";

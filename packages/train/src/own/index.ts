export { isModule, loadOwn } from "./own-module.js";
export { ownModules } from "./own-modules.js";

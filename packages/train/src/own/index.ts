export { isModule, loadOwn, moduleName, reasonOf, shown } from "./own-module.js";
export { ownModules } from "./own-modules.js";

/** That of package.json. Files that were copied from another version are told by it. */
export const VERSION = "0.1.0";

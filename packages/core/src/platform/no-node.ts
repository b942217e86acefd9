import { OnebitError } from "../errors.js";

/**
 * What "#node" of package.json stands for in code that is bundled for browsers: node.ts would drag
 * Node's own modules in there.
 */
type NodeOnly = Pick<
  typeof import("./node.js"),
  "readPackedFile" | "readFileAsset" | "folderStore"
>;

const absent = (): never => {
  throw new OnebitError(
    "this code was bundled for browsers: bundle it for Node (conditions: node), or leave onebit out of the bundle",
  );
};

export const readPackedFile: NodeOnly["readPackedFile"] = absent;
export const readFileAsset: NodeOnly["readFileAsset"] = absent;
export const folderStore: NodeOnly["folderStore"] = absent;

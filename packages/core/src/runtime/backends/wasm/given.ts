import { OnebitError } from "../../../errors.js";
import type * as beside from "./beside.js";

/** In place of beside.ts in model-worker.js: whoever starts it says where files are, in the option `assets`. */
const notHere = (): never => {
  throw new OnebitError("model-worker.js was started without addresses of its files");
};
const nowhere = (name: string) => ({ name, url: notHere, inBrowser: notHere });

export const { ownAssets, ownKernels, ownWorker, ownModelWorker }: typeof beside = {
  ownAssets: () => undefined,
  ownKernels: notHere,
  ownWorker: nowhere("team-worker.js"),
  ownModelWorker: nowhere("model-worker.js"),
};

import { bnextModels } from "./bnext.js";
import { bnext18Models } from "./bnext18.js";
import type { ModelEntries } from "./entry.js";
import { linearModels } from "./linear.js";
import { reactnetModels } from "./reactnet.js";
import { reactnetResnetModels } from "./reactnet-resnet.js";

/** Every architecture by name; a family's are in its file. */
export const models: ModelEntries = {
  ...bnextModels,
  ...bnext18Models,
  ...reactnetModels,
  ...reactnetResnetModels,
  ...linearModels,
};

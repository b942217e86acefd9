import { bnextModels } from "./bnext.js";
import { bnext18Models } from "./bnext18.js";
import type { ModelEntries } from "./entry.js";
import { linearModels } from "./linear.js";
import { mobilenetModels } from "./mobilenet.js";
import { reactnetModels } from "./reactnet.js";
import { reactnetResnetModels } from "./reactnet-resnet.js";
import { resnetModels } from "./resnet.js";
import { resnetCifarModels } from "./resnet-cifar.js";

/** Every architecture by name; a family's are in its file. */
export const models: ModelEntries = {
  ...bnextModels,
  ...bnext18Models,
  ...reactnetModels,
  ...reactnetResnetModels,
  ...resnetModels,
  ...resnetCifarModels,
  ...mobilenetModels,
  ...linearModels,
};

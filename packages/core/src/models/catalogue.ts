import { bdnetModels } from "./bdnet.js";
import { binaryDensenetModels } from "./binary-densenet.js";
import { binarynetVggModels } from "./binarynet-vgg.js";
import { birealModels } from "./bireal.js";
import { bireal50Models } from "./bireal-50.js";
import { bnextModels } from "./bnext.js";
import { bnext18Models } from "./bnext18.js";
import { boolnetModels } from "./boolnet.js";
import { efficientnetModels } from "./efficientnet.js";
import type { ModelEntries } from "./entry.js";
import { linearModels } from "./linear.js";
import { meliusnetModels } from "./meliusnet.js";
import { mobilenetModels } from "./mobilenet.js";
import { mobilenetV2Models } from "./mobilenet-v2.js";
import { pokebnnModels } from "./pokebnn.js";
import { quicknetModels } from "./quicknet.js";
import { reactnetModels } from "./reactnet.js";
import { reactnetResnetModels } from "./reactnet-resnet.js";
import { realToBinaryModels } from "./real-to-binary.js";
import { regnetModels } from "./regnet.js";
import { resnetModels } from "./resnet.js";
import { resnetCifarModels } from "./resnet-cifar.js";
import { xnorAlexnetModels } from "./xnor-alexnet.js";
import { xnorNinModels } from "./xnor-nin.js";
import { xnorResnetModels } from "./xnor-resnet.js";

/** Every architecture by name; a family's are in its file. */
export const models: ModelEntries = {
  ...bnextModels,
  ...bnext18Models,
  ...reactnetModels,
  ...reactnetResnetModels,
  ...birealModels,
  ...bireal50Models,
  ...xnorResnetModels,
  ...xnorAlexnetModels,
  ...xnorNinModels,
  ...realToBinaryModels,
  ...binaryDensenetModels,
  ...meliusnetModels,
  ...pokebnnModels,
  ...quicknetModels,
  ...boolnetModels,
  ...binarynetVggModels,
  ...bdnetModels,
  ...resnetModels,
  ...resnetCifarModels,
  ...mobilenetModels,
  ...mobilenetV2Models,
  ...efficientnetModels,
  ...regnetModels,
  ...linearModels,
};

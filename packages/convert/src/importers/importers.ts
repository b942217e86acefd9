import { bmxnet } from "./bmxnet/bmxnet.js";
import { bnext } from "./bnext/bnext.js";
import { bnext18 } from "./bnext/bnext18.js";
import { mobilenetV1 } from "./floats/mobilenet-v1.js";
import { resnet } from "./floats/resnet.js";
import { resnetCifar } from "./floats/resnet-cifar.js";
import type { Importer } from "./importer.js";
import { reactnet } from "./reactnet/reactnet.js";
import { reactnetResnet } from "./reactnet/reactnet-resnet.js";

/** Every family that can be imported. The first that recognises a network reads it. */
export const importers: readonly Importer[] = [
  bnext,
  bnext18,
  reactnet,
  reactnetResnet,
  resnet,
  resnetCifar,
  mobilenetV1,
  bmxnet,
];

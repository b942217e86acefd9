import { binarynetVgg } from "./binarynet/vgg.js";
import { bireal } from "./bireal/bireal.js";
import { bireal50 } from "./bireal/bireal-50.js";
import { bmxnet } from "./bmxnet/bmxnet.js";
import { bnext } from "./bnext/bnext.js";
import { bnext18 } from "./bnext/bnext18.js";
import { basenet, boolnet } from "./boolnet/boolnet.js";
import { mobilenetV1 } from "./floats/mobilenet-v1.js";
import { resnet } from "./floats/resnet.js";
import { resnetCifar } from "./floats/resnet-cifar.js";
import type { Importer } from "./importer.js";
import { keras } from "./keras/keras.js";
import { onnx } from "./onnx/onnx.js";
import { reactnet } from "./reactnet/reactnet.js";
import { reactnetResnet } from "./reactnet/reactnet-resnet.js";
import { tflite } from "./tflite/tflite.js";
import { xnorAlexnet } from "./xnor/alexnet.js";
import { xnorNin } from "./xnor/nin.js";

/** Every family that can be imported. The first that recognises a network reads it: files that describe theirs first. */
export const importers: readonly Importer[] = [
  tflite,
  keras,
  onnx,
  bmxnet,
  bnext,
  bnext18,
  reactnet,
  reactnetResnet,
  bireal,
  bireal50,
  xnorAlexnet,
  xnorNin,
  binarynetVgg,
  boolnet,
  basenet,
  resnet,
  resnetCifar,
  mobilenetV1,
];

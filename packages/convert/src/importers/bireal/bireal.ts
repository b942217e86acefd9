import { catalogued } from "../catalogue/catalogued.js";
import { resnet, some } from "../catalogue/shapes.js";
import type { Importer } from "../importer.js";
import { birealForm } from "./form.js";

const keys: Importer = catalogued({
  family: "bireal",
  mark: /^layer\d+\.\d+\.binary_conv\./,
  members: /^(conv1|bn1|layer\d+|fc)\./,
  stem: "conv1.weight",
  switches: (shapes) => resnet(shapes, 1, []),
  form: birealForm,
});

/**
 * Bi-Real-18, -34 or of any width and depth. Source of its keys: liuzechun/Bi-Real-net,
 * pytorch_implementation/BiReal18_34. ReActNets on ResNets have them too, and activations between.
 */
export const bireal: Importer = {
  ...keys,
  recognises: (place) =>
    keys.recognises(place) && !some(place.tensors, /^layer\d+\.\d+\.(move\d|prelu)\./),
};

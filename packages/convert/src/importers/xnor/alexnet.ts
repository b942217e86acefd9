import { catalogued, type KnownImages, type Tensors } from "../catalogue/catalogued.js";
import { lastMapSide, widthsOf } from "../catalogue/layer-list.js";
import type { Importer } from "../importer.js";

const convolutions = ["features.0", "features.4.conv", "features.6.conv", "features.7.conv"];
const layers = [...convolutions, "features.8.conv", "classifier.0.linear", "classifier.1.linear"];
const published = [96, 256, 384, 384, 256, 4096, 4096];

/**
 * XNOR-Net on AlexNet, of any widths. Source of its keys: jiecaoyu/XNOR-Net-PyTorch, ImageNet. Whatever the
 * latent weights are, the authors' evaluation subtracts their means over input channels first, as the graph does.
 */
const keys: Importer = catalogued({
  family: "xnor-alexnet",
  mark: /^classifier\.0\.linear\.weight$/,
  members: /^(features|classifier)\./,
  stem: "features.0.weight",
  classifier: "classifier.4.weight",
  switches: (shapes) => ({ widths: widthsOf(shapes, layers, published) }),
  images: imagesOf,
  form: async () => ({ form: "binary" }),
});

export const xnorAlexnet: Importer = {
  ...keys,
  takes: ["arch", "form", "wrapper", "zeroWeights"],
  recognises: (place) => keys.recognises(place) && place.tensors.has("features.4.bn.weight"),
};

/** Images that leave the map which the first hidden layer wants. */
function imagesOf(stored: Tensors): KnownImages {
  const side = lastMapSide(stored, "classifier.0.linear", "features.8.conv");
  return {
    sides: [32 * side + 35, 32 * side + 35],
    note: "images are prepared as for the authors' torchvision training; their Caffe weights want blue-green-red and Caffe's mean image, which no option gives",
  };
}

import { catalogued, type KnownImages, type Tensors } from "../catalogue/catalogued.js";
import { lastMapSide, widthsOf } from "../catalogue/layer-list.js";
import { cifarLabels } from "../cifar.js";
import type { Importer } from "../importer.js";

const published = [384, 384, 768, 768, 1536, 512, 1024, 1024];
const convolutions = [0, 3, 7, 10, 14, 17].map((place) => `features.${place}`);
const layers = [...convolutions, "classifier.0", "classifier.3"];

const keys: Importer = catalogued({
  family: "binarynet-vgg",
  mark: /^features\.17\.weight$/,
  members: /^(features|classifier)\./,
  stem: "features.0.weight",
  classifier: "classifier.6.weight",
  switches: (shapes) => ({ widths: widthsOf(shapes, layers, published) }),
  images: imagesOf,
  form: async () => ({ form: "binary" }),
});

/**
 * BinaryNet's VGG, of any widths. Source of its keys: itayhubara/BinaryNet.pytorch, models/vgg_cifar10_binary.py.
 * Other VGGs have a bias of their last batch-norm, or none there.
 */
export const binarynetVgg: Importer = {
  ...keys,
  takes: ["arch", "form", "wrapper", "zeroWeights"],
  recognises: (place) =>
    keys.recognises(place) &&
    place.tensors.has("classifier.7.running_mean") &&
    !place.tensors.has("classifier.7.weight"),
};

/** Images that leave the map which the first hidden layer wants: three poolings halve them. */
function imagesOf(stored: Tensors, classes: number): KnownImages {
  const side = lastMapSide(stored, "classifier.0", "features.17");
  return {
    sides: [8 * side, 8 * side],
    labels: cifarLabels(classes),
    note: "images get ImageNet's means and deviations, as its authors' preprocess.py gives CIFAR's; --mean and --std say otherwise. Scores are those before the log-softmax",
  };
}

import { modelNamed } from "onebit/models";
import { catalogued, type KnownImages, type Tensors } from "../catalogue/catalogued.js";
import { dimension, resnet as shapeOf, some } from "../catalogue/shapes.js";
import { cifarLabels, cifarStatistics } from "../cifar.js";
import type { Importer } from "../importer.js";
import { renamed } from "./renamed.js";

/**
 * Float ResNets of three stages, for CIFAR. Source of the keys: akamaster/pytorch_resnet_cifar10,
 * whose option B says `shortcut`; chenyaofo/pytorch-cifar-models, also option B, says `fc` for
 * `linear` and `downsample`.
 */
const keys: Importer = catalogued({
  family: "resnet-cifar",
  mark: /^layer3\.\d+\.conv1\.weight$/,
  members: /^(conv1|bn1|layer\d+|fc|linear)\./,
  stem: "conv1.weight",
  classifier: "linear.weight",
  respelt: (stored) =>
    renamed(stored, (key) =>
      key.replace(/^fc\./, "linear.").replace(/\.shortcut\.(\d\.)/, ".downsample.$1"),
    ),
  switches: (shapes) => {
    const width = dimension(shapes, "conv1.weight", 0, "how wide the first stage is");
    return {
      depths: shapeOf(shapes, 1, []).depths,
      width: width === 16 ? undefined : width,
      shortcut: some(shapes, /\.downsample\.0\.weight$/) ? "conv" : undefined,
    };
  },
  images: imagesOf,
  form: async () => ({ form: "real" }),
});

export const resnetCifar: Importer = {
  ...keys,
  takes: ["arch", "form", "wrapper"],
  recognises: (place) => keys.recognises(place) && !some(place.tensors, /^layer4\./),
};

/** Both authors normalise, and by different numbers; the classifier's name tells whose it is. */
function imagesOf(stored: Tensors, classes: number): KnownImages {
  const { preprocess } = modelNamed("resnet-20");
  const isFc = stored.has("fc.weight");
  const { mean, std } = isFc ? cifarStatistics(classes) : preprocess!;
  const [author, what] = isFc
    ? ["chenyaofo/pytorch-cifar-models", "CIFAR's"]
    : ["akamaster/pytorch_resnet_cifar10", "ImageNet's"];
  return {
    sides: [32, 32],
    preprocess: { ...preprocess!, mean, std },
    labels: cifarLabels(classes),
    note: `the keys are those of ${author}: images get ${what} means and deviations, as there; --mean and --std say otherwise`,
  };
}

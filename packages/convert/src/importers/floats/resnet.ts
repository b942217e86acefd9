import { modelNamed } from "onebit/models";
import { catalogued, type KnownImages, type Tensors } from "../catalogue/catalogued.js";
import { resnet as shapeOf, some } from "../catalogue/shapes.js";
import { cifarLabels, cifarStatistics } from "../cifar.js";
import type { Importer } from "../importer.js";
import { renamed } from "./renamed.js";

/**
 * Float ResNets of four stages. Source of the keys: torchvision.models.resnet; the small stems of
 * kuangliu/pytorch-cifar say `linear` for `fc` and `shortcut` for `downsample`.
 */
const keys: Importer = catalogued({
  family: "resnet",
  mark: /^layer4\.\d+\.conv1\.weight$/,
  members: /^(conv1|bn1|layer\d+|fc|linear)\./,
  stem: "conv1.weight",
  respelt: (stored) =>
    renamed(stored, (key) =>
      key.replace(/^linear\./, "fc.").replace(/\.shortcut\.(\d\.)/, ".downsample.$1"),
    ),
  switches: (shapes) => ({
    ...shapeOf(shapes, 1, []),
    bottleneck: some(shapes, /^layer1\.0\.conv3\.weight$/),
  }),
  images: imagesOf,
  form: async () => ({ form: "real" }),
});

export const resnet: Importer = { ...keys, takes: ["arch", "form", "wrapper"] };

/** A 7x7 stem is ImageNet's whatever the classes; a 3x3 one is made for small images. */
function imagesOf(stored: Tensors, classes: number): KnownImages {
  const usual = modelNamed("resnet-50");
  const isLarge = stored.get("conv1.weight")?.shape[2] === 7;
  if (isLarge) return { sides: sidesOf(usual.input), ...secondWeights(stored, classes) };
  const { mean, std } = cifarStatistics(classes);
  const size = [32, 32] as const;
  return {
    sides: size,
    preprocess: { ...usual.preprocess!, size: [32, 32], resize: 32, mean, std },
    labels: cifarLabels(classes),
    note: `images are taken to be CIFAR's: mean ${mean.join(",")}, std ${std.join(",")}; --mean and --std say otherwise`,
  };
}

const sidesOf = ([, height, width]: readonly [number, number, number]) => [height, width] as const;

/** torchvision has two sets of weights for bottlenecks, alike in everything but their images. */
function secondWeights(stored: Tensors, classes: number): Pick<KnownImages, "note"> {
  if (classes !== 1000 || !stored.has("layer1.0.conv3.weight")) return {};
  return {
    note: "images are resized to 256, as for torchvision's IMAGENET1K_V1; IMAGENET1K_V2 wants --resize 232",
  };
}

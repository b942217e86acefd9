import { catalogued } from "../catalogue/catalogued.js";
import { dimension } from "../catalogue/shapes.js";
import { cifarLabels } from "../cifar.js";
import type { Importer } from "../importer.js";

const published = [192, 160, 96, 192, 192, 192, 192, 192];
const layers = ["0", ...[3, 4, 6, 7, 8, 10, 11].map((place) => `${place}.conv`)];

/** XNOR-Net on Network-in-Network, of any widths. Source of its keys: jiecaoyu/XNOR-Net-PyTorch, CIFAR_10. */
export const xnorNin: Importer = {
  ...catalogued({
    family: "xnor-nin",
    mark: /^xnor\.3\.bn\.weight$/,
    members: /^xnor\./,
    stem: "xnor.0.weight",
    classifier: "xnor.13.weight",
    switches: (shapes) => {
      const widths = layers.map((layer) =>
        dimension(shapes, `xnor.${layer}.weight`, 0, "how wide a layer is"),
      );
      return { widths: widths.join() === published.join() ? undefined : widths };
    },
    images: (_, classes) => ({
      sides: [32, 32],
      labels: cifarLabels(classes),
      note: "the authors trained on arrays that they had normalised, how is not in their code: CIFAR-10's means and deviations are assumed; --mean and --std say otherwise",
    }),
    form: async () => ({ form: "binary" }),
  }),
  takes: ["arch", "form", "wrapper", "zeroWeights"],
};

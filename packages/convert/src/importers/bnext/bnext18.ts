import { catalogued } from "../catalogue/catalogued.js";
import { resnet, some } from "../catalogue/shapes.js";
import type { Importer } from "../importer.js";
import { bnextForm, infoRcp } from "./keys.js";
import { isQuantiser, quantisedBits } from "./quantised.js";
import { withTemperature } from "./temperature.js";

/** BNext-18. Source of its keys: hpi-xnor/BNext, birealnet.py. */
export const bnext18: Importer = catalogued({
  family: "bnext-18",
  mark: /^layer\d+\.\d+\.(Attention|FFN)\./,
  members: /^(conv1|bn1|layer\d+|prelu|fc)\./,
  stem: "conv1.weight",
  switches: (shapes) => ({
    ...resnet(shapes, 0, [2, 2, 2, 2]),
    ...infoRcp(shapes),
    shortcutBias: some(shapes, /\.downsample\.1\.bias$/) || undefined,
  }),
  form: async (_, shapes) => ({ form: bnextForm(shapes) }),
  isUnused: isQuantiser,
  bits: quantisedBits({ shortcuts: true, storedScale: false }),
  finish: withTemperature,
});

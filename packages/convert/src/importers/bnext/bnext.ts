import { catalogued } from "../catalogue/catalogued.js";
import { some, widths } from "../catalogue/shapes.js";
import type { Importer } from "../importer.js";
import { bnextForm, infoRcp } from "./keys.js";
import { isQuantiser, quantisedBits } from "./quantised.js";
import { withTemperature } from "./temperature.js";

/** BNext T, S, M, L or of any widths. Source of its keys: hpi-xnor/BNext. */
export const bnext: Importer = catalogued({
  family: "bnext",
  mark: /^feature\.\d+\.(Attention|FFN_3x3|FFN|FFN_1|FFN_2)\./,
  members: /^(feature|prelu|fc)\./,
  stem: "feature.0.conv1.weight",
  switches: (shapes) => ({
    widths: widths(shapes, "FFN_1.binary_conv.weight"),
    elm: some(shapes, /\.FFN_3x3\./) ? false : undefined,
    ...infoRcp(shapes),
  }),
  form: async (_, shapes) => ({ form: bnextForm(shapes) }),
  isUnused: isQuantiser,
  bits: quantisedBits({ shortcuts: false, storedScale: true }),
  finish: withTemperature,
});

import { catalogued } from "../catalogue/catalogued.js";
import { widths } from "../catalogue/shapes.js";
import type { Importer } from "../importer.js";
import { reactnetForm } from "./form.js";

/** ReActNet-A or of any widths. Source of its keys: liuzechun/ReActNet, mobilenet. */
export const reactnet: Importer = catalogued({
  family: "reactnet",
  mark: /^feature\.\d+\.(move11|binary_3x3|binary_pw)/,
  members: /^(feature|fc)\./,
  stem: "feature.0.conv1.weight",
  switches: (shapes) => ({
    widths: widths(shapes, "binary_pw_down1.weights", "binary_pw_down1.weight"),
  }),
  form: reactnetForm,
});

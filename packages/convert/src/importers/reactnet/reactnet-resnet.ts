import { catalogued } from "../catalogue/catalogued.js";
import { resnet } from "../catalogue/shapes.js";
import type { Importer } from "../importer.js";
import { reactnetForm } from "./form.js";

/** ReActNet on ResNets. Source of its keys: liuzechun/ReActNet, resnet. */
export const reactnetResnet: Importer = catalogued({
  family: "reactnet-resnet",
  mark: /^layer\d+\.\d+\.(move\d|prelu)\./,
  members: /^(conv1|bn1|layer\d+|fc)\./,
  stem: "conv1.weight",
  switches: (shapes) => resnet(shapes, 1, []),
  form: reactnetForm,
});

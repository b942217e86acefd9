import type { Stem } from "onebit/models";
import { catalogued } from "../catalogue/catalogued.js";
import { contiguous, dimension, type Shapes } from "../catalogue/shapes.js";
import type { Importer } from "../importer.js";

/** Bi-Real-50. Source of its keys: liuzechun/Bi-Real-net, pytorch_implementation/BiReal_50. */
export const bireal50: Importer = catalogued({
  family: "bireal-50",
  mark: /^layers\.\d+\.down_conv1x1\./,
  members: /^(conv1|bn1|layers|fc)\./,
  stem: "conv1.weight",
  switches: (shapes) => {
    const width = dimension(shapes, "conv1.weight", 0, "how wide the first stage is");
    const kernel = dimension(shapes, "conv1.weight", 2, "which stem it is");
    const stem: Stem = kernel === 7 ? "imagenet" : "small";
    return { width: width === 64 ? undefined : width, depths: depths(shapes), stem };
  },
  // Its authors trained it from scratch: there are no step-1 weights by these keys.
  form: async () => ({ form: "binary" }),
});

/** Blocks are numbered on through the stages; each stage begins with one that has a real shortcut. */
function depths(shapes: Shapes): number[] {
  const count = contiguous(shapes, /^layers\.(\d+)\./, 0);
  const starts = Array.from({ length: count }, (_, i) => i).filter(
    (i) => i === 0 || shapes.has(`layers.${i}.down_conv1x1.weight`),
  );
  return starts.map((start, stage) => (starts[stage + 1] ?? count) - start);
}

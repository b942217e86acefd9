import type { Scope } from "./flag.js";

/** Of flags about what onebit itself runs. */
export const ofPacked: Scope = {
  kinds: ["packed"],
  others: "runs on ONNX Runtime",
  instead: { float: "pack it first" },
};

const imported = "import it again with it";

/** Of flags about what packed networks and float models say themselves. */
export const ofOnnx: Scope = {
  kinds: ["onnx"],
  others: "says itself how images are prepared and what classes are called",
  instead: { packed: imported, float: imported },
};

/** Of flags about what a file says itself. */
export const ofArchitectures: Scope = {
  kinds: ["architecture"],
  others: "says itself how it is built",
};

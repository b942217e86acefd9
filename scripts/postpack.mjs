/** After packing: see scripts/prepack.mjs. */
import { rmSync } from "node:fs";

rmSync("LICENSE", { force: true });

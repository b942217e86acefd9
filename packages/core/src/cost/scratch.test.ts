import { it } from "vitest";
import { buildModel, models } from "../models/index.js";
import { summarize } from "./index.js";

it("p", () => {
  for (const name of Object.keys(models)) {
    if (name === "bnext" || name === "reactnet") continue;
    const t = performance.now();
    const g = buildModel(name);
    const s = summarize(g),
      q = summarize(g, { ends: "8-4-8" });
    const M = 2 ** 20;
    console.log(
      name,
      Object.keys(g.tensors).length,
      s.parameters,
      s.binaryParameters,
      s.deadParameters,
      "G",
      (s.binaryMacs / 1e9).toFixed(3),
      "flops e8",
      ((s.macs - s.binaryMacs) / 1e8).toFixed(3),
      "ops e8",
      (s.ops / 1e8).toFixed(4),
      "848 G",
      (q.ops / 1e9).toFixed(5),
      "MiB",
      (s.bytes.packed / M).toFixed(3),
      (q.bytes.packed / M).toFixed(3),
      s.bytes.packed,
      "share",
      s.binaryShareOfMacs.toFixed(4),
      s.binaryShareOfParameters.toFixed(4),
      "elem",
      s.elementwise,
      s.bytesMoved,
      s.passes,
      s.layers.length,
      s.blocks.length,
      (performance.now() - t).toFixed(0) + "ms",
    );
  }
});

import { expect, it } from "vitest";
import { buildModel } from "../models/index.js";
import { pack } from "../pack/index.js";
import { randomWeights } from "../test-support/random-weights.js";
import { writeOnebit } from "./index.js";

it.each(["bnext-nano", "reactnet-nano"])(
  "a packed %s with float16 real weights is a file of at most 120 kB",
  async (name) => {
    const graph = buildModel(name);
    const packed = pack(graph, randomWeights(graph, 1));
    const file = await writeOnebit(packed, { realWeights: "float16" });
    expect(file.length).toBeLessThanOrEqual(120_000);
  },
);

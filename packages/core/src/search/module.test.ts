import { expect, it } from "vitest";
import { searchModule } from "../../kernels/search-module.mjs";
import { MODULE } from "./module.js";

it("is what kernels/distances.ts compiles to", async () => {
  expect(MODULE, "stale? node packages/core/kernels/search-module.mjs").toBe(await searchModule());
});

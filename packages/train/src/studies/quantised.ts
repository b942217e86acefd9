import type { Study } from "../study/study.js";
import { smallBnext } from "./small.js";

/** BNext's stem, gates and classifier on grids of 8 and 4 bits, trained through them. */
export const quantised: Study = {
  name: "quantised",
  question: "What do ends of 8, 4 and 8 bits cost a BNext that is trained with them?",
  source: "BNext (arXiv 2211.12933), its table 1: 72.3, 76.1, 78.3 and 80.5 % with 8-4-8 ends",
  ...smallBnext,
  overrides: { ...smallBnext.overrides, epochs: 4 },
  seeds: 5,
  variants: [
    { name: "32-32-32", about: "real ends" },
    { name: "8-8-8", switches: { quantised: "8-8-8" } },
    { name: "8-4-8", about: "as published", switches: { quantised: "8-4-8" } },
  ],
  compare: { baseline: "32-32-32" },
  measures: ["test.top1", "gap"],
};

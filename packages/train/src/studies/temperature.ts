import type { Study } from "../study/study.js";
import { smallBnext } from "./small.js";

const binaryAt = (fraction: number) => ({ temperature: { binaryAt: fraction } });

/** When the weights of a BNext become binary. */
export const temperature: Study = {
  name: "temperature",
  question: "After which part of the training should weights be binary?",
  source: "BNext (arXiv 2211.12933): epoch 153 of 512, 30 %",
  ...smallBnext,
  overrides: { ...smallBnext.overrides, epochs: 4 },
  seeds: 3,
  variants: [
    { name: "at-once", overrides: binaryAt(0) },
    { name: "after-15", about: "after 15 % of the steps", overrides: binaryAt(0.15) },
    { name: "after-30", about: "after 30 %, as published", overrides: binaryAt(0.3) },
    { name: "after-60", about: "after 60 %", overrides: binaryAt(0.6) },
    { name: "after-85", about: "after 85 %", overrides: binaryAt(0.85) },
  ],
  compare: { baseline: "at-once" },
  measures: ["test.top1", "gap"],
};

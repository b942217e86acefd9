import type { Study } from "../study/study.js";
import { smallReactnet } from "./small.js";

/** ReActNet's two steps, real weights first, against one of equal length. */
export const twoStep: Study = {
  name: "two-step",
  question: "Are two steps better than one that trains as long?",
  source: "ReActNet (arXiv 2003.03488), training in two steps",
  ...smallReactnet,
  overrides: { ...smallReactnet.overrides, epochs: 4 },
  seeds: 3,
  variants: [
    { name: "one-step", about: "4 epochs" },
    { name: "one-step-longer", about: "8 epochs", overrides: { epochs: 8 } },
    {
      name: "two-step",
      about: "4 epochs with real weights, 4 with binary ones",
      overrides: { stages: [{ name: "step-1", overrides: { form: "step1" } }] },
    },
  ],
  compare: {
    pairs: [
      ["one-step-longer", "two-step"],
      ["one-step", "one-step-longer"],
      ["one-step", "two-step"],
    ],
  },
  measures: ["test.top1", "gap"],
};

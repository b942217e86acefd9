import type { Study } from "../study/study.js";
import { smallReactnet } from "./small.js";

/** ReActNet's two steps, real weights first, against one of equal length. */
export const twoStep: Study = {
  name: "two-step",
  question: "Are two steps better than one that trains as long?",
  source: "ReActNet (arXiv 2003.03488), training in two steps",
  ...smallReactnet,
  overrides: { ...smallReactnet.overrides, epochs: 16 },
  seeds: 3,
  variants: [
    { name: "one-step", about: "16 epochs" },
    { name: "one-step-longer", about: "32 epochs", overrides: { epochs: 32 } },
    {
      name: "two-step",
      about: "16 epochs with real weights, 16 with binary ones",
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

import type { Study } from "../study/study.js";
import { smallBnext } from "./small.js";

/** BNext's parts on small images: what the gate sees, ELM, and learning from a float network. */
export const bnext: Study = {
  name: "bnext",
  question: "What do Info-RCP, its mixed gate, ELM and distillation each add to BNext?",
  source: "BNext (arXiv 2211.12933), its ablations",
  ...smallBnext,
  overrides: { ...smallBnext.overrides, epochs: 4 },
  seeds: 3,
  variants: [
    { name: "mix", about: "BNext" },
    { name: "gate-input", about: "gate as in Real-to-Binary", switches: { gate: "input" } },
    { name: "gate-none", about: "no Info-RCP", switches: { gate: "none" } },
    { name: "no-elm", switches: { elm: false } },
    { name: "bare", about: "neither", switches: { gate: "none", elm: false } },
    { name: "float", about: "float twin, a teacher", overrides: { form: "real" }, seeds: 1 },
    {
      name: "float-narrow",
      about: "half as wide, an assistant",
      overrides: { form: "real" },
      switches: { widths: [8, 16, 32, 32, 32, 32] },
      seeds: 1,
    },
    {
      name: "distilled",
      about: "BNext that learns from its float twin",
      overrides: { loss: "distribution" },
      teachers: [{ variant: "float", seed: 0 }],
    },
    {
      name: "boosted",
      about: "BNext that learns from both, each by its distance",
      overrides: { loss: "gap-aware" },
      assistants: [{ variant: "float-narrow", seed: 0 }],
      teachers: [{ variant: "float", seed: 0 }],
    },
  ],
  compare: {
    pairs: [
      ["gate-none", "mix"],
      ["gate-input", "mix"],
      ["no-elm", "mix"],
      ["bare", "mix"],
      ["mix", "distilled"],
      ["distilled", "boosted"],
      ["mix", "boosted"],
    ],
  },
  measures: ["test.top1", "gap"],
};

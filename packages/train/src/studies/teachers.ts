import type { Study, Variant } from "../study/study.js";
import { smallBnext, smallWidths } from "./small.js";

/** Float twins of the student's kind, narrow to wide. */
const teachers: { readonly [name: string]: readonly number[] } = {
  "float-4": [4, 8, 16, 16],
  "float-8": [8, 16, 32, 32],
  "float-16": smallWidths.widths,
  "float-32": [32, 64, 128, 128],
};

const teaching = Object.entries(teachers).map(
  ([name, widths]): Variant => ({
    name,
    about: "a teacher",
    overrides: { form: "real" },
    switches: { widths },
    seeds: 1,
  }),
);

const learning = Object.keys(teachers).map(
  (name): Variant => ({
    name: `of-${name}`,
    about: `learns from ${name}`,
    overrides: { loss: "distribution" },
    teachers: [{ variant: name, seed: 0 }],
  }),
);

/** One student and teachers of rising strength; what it reaches, and how far it over-fits. */
export const teachersStudy: Study = {
  name: "teachers",
  question: "Do stronger teachers over-fit a binary student?",
  source: "BNext (arXiv 2211.12933), figure 5 and knowledge complexity",
  ...smallBnext,
  overrides: { ...smallBnext.overrides, epochs: 4 },
  seeds: 3,
  variants: [{ name: "labels", about: "learns from the labels alone" }, ...teaching, ...learning],
  compare: {
    pairs: learning.map(({ name }) => ["labels", name] as const),
  },
  measures: ["test.top1", "gap", "validation.loss"],
};

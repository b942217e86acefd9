import { augment } from "../studies/augment.js";
import { bnext } from "../studies/bnext.js";
import { families } from "../studies/families.js";
import { quantised } from "../studies/quantised.js";
import { reactnet } from "../studies/reactnet.js";
import { teachersStudy } from "../studies/teachers.js";
import { temperature } from "../studies/temperature.js";
import { twoStep } from "../studies/two-step.js";
import type { Study } from "./study.js";

const list: readonly Study[] = [
  reactnet,
  bnext,
  families,
  quantised,
  twoStep,
  temperature,
  augment,
  teachersStudy,
];

/** Every study that comes with onebit, by name. */
export const studies: { readonly [name: string]: Study } = Object.fromEntries(
  list.map((study) => [study.name, study]),
);

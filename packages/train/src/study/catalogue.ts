import { bnext } from "../studies/bnext.js";
import { reactnet } from "../studies/reactnet.js";
import type { Study } from "./study.js";

const list: readonly Study[] = [reactnet, bnext];

/** Every study that comes with onebit, by name. */
export const studies: { readonly [name: string]: Study } = Object.fromEntries(
  list.map((study) => [study.name, study]),
);

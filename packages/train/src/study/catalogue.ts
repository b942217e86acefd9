import type { Study } from "./study.js";

const list: readonly Study[] = [];

/** Every study that comes with onebit, by name. */
export const studies: { readonly [name: string]: Study } = Object.fromEntries(
  list.map((study) => [study.name, study]),
);

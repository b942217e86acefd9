import type { TensorEntry } from "../../readers/tensor-entry.js";
import type { Tensors } from "../catalogue/catalogued.js";

/** The tensors by other names. One that would take the place of another keeps its own. */
export function renamed(tensors: Tensors, nameOf: (key: string) => string): Tensors {
  const entries = Array.from(tensors, ([key, entry]): [string, TensorEntry] => {
    const name = nameOf(key);
    return name !== key && tensors.has(name) ? [key, entry] : [name, { ...entry, key: name }];
  });
  return new Map(entries);
}

import { OnebitError } from "../errors.js";
import type { ProgramTensors } from "../program/types.js";

/** OnebitError where the file's bytes, which weights are views of, have gone away since. */
export function checkThere(tensors: ProgramTensors): void {
  for (const [key, { data, shape }] of Object.entries(tensors)) {
    if (data.length === shape.reduce((product, dim) => product * dim, 1)) continue;
    throw new OnebitError(
      `tensor "${key}": the memory of the file has been transferred or resized`,
    );
  }
}

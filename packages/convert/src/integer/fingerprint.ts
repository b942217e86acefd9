import type { IntegerProgram } from "./types.js";

/** FNV-1a of what an integer program computes with, in hexadecimal. */
export function fingerprint({ fractions, steps, image }: IntegerProgram): string {
  const parts = steps.map(({ weights = [], zero = [], clip = 0, operations }) => [
    ...[[...weights], zero, clip, operations],
  ]);
  const table = image?.kind === "table" ? [...image.table] : [];
  const text = JSON.stringify([fractions, table, parts]);
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}

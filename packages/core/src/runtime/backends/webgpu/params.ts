import type { Slot } from "./arena.js";

/** A number, or one that is known when the arena is laid out. */
type Value = number | (() => number);

export const at =
  (slot: Slot, plus = 0) =>
  () =>
    slot.at + plus;

const floats = new Float32Array(1);
const bits = new Uint32Array(floats.buffer);

/**
 * What a shader is told of a step, so that steps which differ in numbers only share it. Each call gives
 * the WGSL that reads the number.
 */
export class Params {
  /** A zero that compilers do not know, and the words of the arena of an image. */
  readonly #names = ["zero: u32", "imageWords: u32"];
  readonly #values: Value[] = [];

  u32(name: string, value: Value): string {
    return this.#add(name, "u32", value);
  }

  f32(name: string, value: number): string {
    floats[0] = value;
    return this.#add(name, "f32", bits[0]);
  }

  /** Several at once. */
  all(values: { readonly [name: string]: Value }): void {
    for (const [name, value] of Object.entries(values)) this.u32(name, value);
  }

  get struct(): string {
    return `struct Params { ${this.#names.join(", ")} }`;
  }

  /** Once the arena is laid out. */
  words(imageWords: number): number[] {
    const values = this.#values.map((value) => (typeof value === "number" ? value : value()));
    return [0, imageWords, ...values];
  }

  #add(name: string, type: string, value: Value): string {
    this.#names.push(`${name}: ${type}`);
    this.#values.push(value);
    return `p.${name}`;
  }
}

import type { FunctionBody, Local } from "./assembler.js";

/**
 * Code for means of windows of 2x2 pixels, made while an epilogue walks over the pixels in rows:
 *
 *   a b     ((((0 + a) + b) + c) + d) * 1/4, a step of it at each pixel; in between, the sum lies
 *   c d     where the mean will be
 *
 * Rows and columns are even in number. The pool kernel's order, and its bits: a quarter is exact.
 */
export class PoolWindow {
  readonly #b: FunctionBody;
  /** Pointers into the means, and where each was before the pixel. */
  readonly #pointers: readonly { readonly pointer: Local; readonly before: Local }[];
  /** 1 in the right column, and in the lower row. */
  readonly #right: Local;
  readonly #below: Local;
  /** Lanes all 0 at the first of the four pixels, else all 1. */
  readonly #begun: Local;
  /** 1/4 at the last of them, else 1. */
  readonly #share: Local;

  constructor(b: FunctionBody, pointers: readonly Local[]) {
    this.#b = b;
    this.#pointers = pointers.map((pointer) => ({ pointer, before: b.local("i32") }));
    [this.#right, this.#below] = [b.local("i32"), b.local("i32")];
    [this.#begun, this.#share] = [b.local("v128"), b.local("v128")];
  }

  /** Before a pixel. y: its row; x: pixels left in the row. */
  enter(x: Local, y: Local): void {
    const b = this.#b;
    const [right, below] = [this.#right, this.#below];
    for (const { pointer, before } of this.#pointers) b.get(pointer).set(before);
    b.get(x).const(1).op("i32.and").set(right);
    b.get(y).const(1).op("i32.and").set(below);
    b.const(0).get(right).get(below).op("i32.or").op("i32.sub");
    b.op("i32x4.splat").set(this.#begun);
    b.splat(1 / 4).splat(1);
    b.get(right).get(below).op("i32.and").op("select").set(this.#share);
  }

  /** After it, pointers moved on: the pixel on the right goes where that on the left went. */
  leave(): void {
    const b = this.#b;
    for (const { pointer, before } of this.#pointers) {
      b.get(pointer).get(before).get(this.#right).op("select").set(pointer);
    }
  }

  /** Adds a value to the sum on the stack, which is then the mean or on its way there. */
  add(value: Local): void {
    this.#b.get(this.#begun).op("v128.and").get(value).op("f32x4.add");
    this.#b.get(this.#share).op("f32x4.mul");
  }
}

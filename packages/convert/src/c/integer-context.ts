import type { ProgramTensors, ValueId } from "onebit/program";
import { BYTE_SHIFT, type IntegerProgram } from "../integer/types.js";
import { type Arena, bitWords } from "./arena.js";
import { Context } from "./context.js";
import { constArray } from "./text.js";

/** Numbers are int16 in the arena, int32_t in what is computed. */
export class IntegerContext extends Context {
  readonly integers: IntegerProgram;

  constructor(integers: IntegerProgram, tensors: ProgramTensors, arena: Arena) {
    super(integers.program, tensors, arena);
    this.integers = integers;
  }

  readonly types = { i: "int32_t", s: "int16_t", l: "int64_t" };

  ofInteger(expression: string): string {
    return expression;
  }

  /** Whether a value is the bytes of the image. */
  isImage(id: ValueId): boolean {
    return this.integers.image !== undefined && id === this.program.input;
  }

  /** The first number of a pixel's channels: `int16_t *`. */
  pixelOf(id: ValueId, pixel: string): string {
    const place = 2 * this.arena.values[id];
    const channels = this.value(id).shape[2];
    return pixel === "0" ? `&arena.s[${place}]` : `&arena.s[${place} + ${pixel} * ${channels}]`;
  }

  /** The number at a pixel and channel, both expressions; bits as -1 and 1. */
  read(id: ValueId, pixel: string, channel: string): string {
    const { kind, shape } = this.value(id);
    const channels = shape[2];
    const place = this.arena.values[id];
    if (kind === "bits") {
      const word = `arena.w[${place} + ${pixel} * ${bitWords(channels)} + (${channel}) / 32]`;
      return `((${word} >> ((uint32_t)(${channel}) % 32u)) & 1u ? 1 : -1)`;
    }
    const at = channels === 1 ? pixel : `${pixel} * ${channels} + ${channel}`;
    const { image } = this.integers;
    if (!this.isImage(id) || !image) return `arena.s[${2 * place} + ${at}]`;
    if (image.kind === "bytes") return `image[${at}] * ${2 ** BYTE_SHIFT}`;
    const table = this.numbers("table", "normalised", image.table);
    return `${table}[${channels === 1 ? "" : `(${channel}) * 256 + `}image[${at}]]`;
  }

  /** Numbers that are constants, in the narrowest type. */
  numbers(key: string, prefix: string, data: ArrayLike<number>): string {
    const { type, bytes } = narrowest(data);
    return this.constant(key, prefix, bytes * data.length, (name) =>
      constArray(type, name, Array.from(data, String)),
    );
  }
}

/** The narrowest type that holds all of them; of those that C computes with as with int32_t, where they are signed. */
export function narrowest(data: ArrayLike<number>, signed = true): { type: string; bytes: number } {
  let [low, high] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    low = Math.min(low, data[i]);
    high = Math.max(high, data[i]);
  }
  for (const bits of [8, 16, 32]) {
    const end = 2 ** (bits - 1);
    if (signed && low >= -end && high < end) return { type: `int${bits}_t`, bytes: bits / 8 };
    const isUnsigned = low >= 0 && high < 2 * end && (bits < 32 || !signed);
    if (isUnsigned) return { type: `uint${bits}_t`, bytes: bits / 8 };
  }
  return { type: "int64_t", bytes: 8 };
}

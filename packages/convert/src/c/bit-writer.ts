import type { ValueId } from "onebit/program";
import { bitWords } from "./arena.js";
import { type ChannelGroup, eachChannel } from "./body.js";
import type { Context } from "./context.js";
import { type Code, plus } from "./text.js";

/** Bits that an epilogue writes. */
export interface BitOutput {
  readonly value: ValueId;
  readonly offset: number;
}

/**
 * The loop over channels, and bits that it writes: 32 channels are gathered in a word, where slices are whole words.
 * Within groups, and for other slices, bit by bit.
 */
export class BitWriter {
  readonly #context: Context;
  readonly #outputs: readonly BitOutput[];
  /** Of each output, whether its slice is whole words. */
  readonly #whole: readonly boolean[];
  #words = true;

  /** channels: of each slice. */
  constructor(context: Context, outputs: readonly BitOutput[], channels: number) {
    this.#context = context;
    this.#outputs = outputs;
    this.#whole = outputs.map(({ value, offset }) => {
      const end = offset + channels;
      return offset % 32 === 0 && (end % 32 === 0 || end === context.value(value).shape[2]);
    });
  }

  loop(code: Code, channels: number, inside: () => void, group?: ChannelGroup): void {
    this.#words = group === undefined && this.#whole.includes(true);
    if (!this.#words) {
      eachChannel(code, channels, inside, group);
      return;
    }
    if (channels <= 32) {
      this.#block(code, "0", channels, inside);
      return;
    }
    code.block(`for (int32_t first = 0; first < ${channels}; first += 32)`, () => {
      const end =
        channels % 32 ? `(first + 32 < ${channels} ? first + 32 : ${channels})` : "first + 32";
      this.#block(code, "first", end, inside);
    });
  }

  #block(code: Code, first: string, end: string | number, inside: () => void): void {
    const gathered = this.#outputs.flatMap((output, i) => (this.#whole[i] ? [{ output, i }] : []));
    for (const { i } of gathered) code.line(`uint32_t bits_${i} = 0;`);
    code.block(`for (int32_t c = ${first}; c < ${end}; c++)`, inside);
    for (const { output, i } of gathered) {
      const { value, offset } = output;
      const words = bitWords(this.#context.value(value).shape[2]);
      const word = [`${this.#context.arena.values[value] + offset / 32}`, `pixel * ${words}`];
      if (first !== "0") word.push(`${first} / 32`);
      code.line(`arena.w[${word.join(" + ")}] = bits_${i};`);
    }
  }

  /** Within the loop: bit c of output i. */
  set(code: Code, i: number, condition: string): void {
    const { value, offset } = this.#outputs[i];
    if (this.#words && this.#whole[i]) {
      code.line(`bits_${i} |= (uint32_t)(${condition}) << ((uint32_t)c % 32u);`);
      return;
    }
    const words = bitWords(this.#context.value(value).shape[2]);
    const place = this.#context.arena.values[value];
    const channel = plus("c", offset);
    code.block("", () => {
      code.line(
        `uint32_t *const word = &arena.w[${place} + pixel * ${words} + (${channel}) / 32];`,
      );
      code.line(`const uint32_t bit = 1u << ((uint32_t)(${channel}) % 32u);`);
      code.line(`*word = ${condition} ? *word | bit : *word & ~bit;`);
    });
  }
}

import type { MicroOp, Step } from "onebit/program";
import { type ChannelGroup, eachChannel } from "./body.js";
import type { FloatContext } from "./float-context.js";
import { type Code, plus } from "./text.js";

type Mean = Extract<MicroOp, readonly ["mean", ...unknown[]]>;
type MeanOfFour = Extract<MicroOp, readonly ["mean-2x2", ...unknown[]]>;

/** Words that a step's means need: for each channel, a float of a row's sum and a double of all rows'. */
export function meansScratch(step: Step, channels: number): number {
  return 3 * evened(channels) * step.epilogue.filter(([name]) => name === "mean").length;
}

const evened = (count: number) => count + (count % 2);

/**
 * Means of a map and of its 2x2 blocks: the loop over a pixel's channels only adds; what happens once a row or block
 * stands in loops of its own, so that compilers make vectors of each.
 */
export class FloatMeans {
  readonly #context: FloatContext;
  readonly #step: Step;
  readonly #scratch: number;
  readonly #means: readonly Mean[];
  readonly #fours: readonly MeanOfFour[];

  /** scratch: place of what meansScratch asked for. */
  constructor(context: FloatContext, step: Step, scratch: number) {
    this.#context = context;
    this.#step = step;
    this.#scratch = scratch;
    this.#means = step.epilogue.filter((op): op is Mean => op[0] === "mean");
    this.#fours = step.epilogue.filter((op): op is MeanOfFour => op[0] === "mean-2x2");
  }

  /** Before the loops over pixels. */
  before(code: Code): void {
    const [, , channels] = this.#context.shapeOf(this.#step);
    for (const mean of this.#means) {
      code.loop("c", channels, () => code.line(`${this.#total(mean)} = 0.0;`));
    }
  }

  /** Before the loop over a pixel's channels: sums that begin with it. */
  begin(code: Code, group?: ChannelGroup): void {
    const zero = (sum: string) => `${sum} = 0.0f;`;
    this.#each(code, "ox == 0", this.#means, (op) => zero(this.#row(op)), group);
    const isFirst = "oy % 2 == 0 && ox % 2 == 0";
    this.#each(code, isFirst, this.#fours, (op) => zero(this.#block(op)), group);
  }

  /** Within the loop. */
  add(code: Code, op: Mean | MeanOfFour, register: string): void {
    const sum = op[0] === "mean" ? this.#row(op) : this.#block(op);
    code.line(`${sum} = ${sum} + ${register};`);
  }

  /** After the loop: sums that end with it. */
  end(code: Code, group?: ChannelGroup): void {
    const [, width] = this.#context.shapeOf(this.#step);
    const added = (op: Mean) => `${this.#total(op)} += (double)${this.#row(op)};`;
    this.#each(code, `ox == ${width - 1}`, this.#means, added, group);
    const divided = (op: MeanOfFour) => `${this.#block(op)} = ${this.#block(op)} / 4.0f;`;
    this.#each(code, "oy % 2 == 1 && ox % 2 == 1", this.#fours, divided, group);
  }

  /** After the loops over pixels. */
  after(code: Code): void {
    const [height, width, channels] = this.#context.shapeOf(this.#step);
    for (const op of this.#means) {
      code.loop("c", channels, () => {
        const mean = `(float)(${this.#total(op)} / ${height * width}.0)`;
        code.line(this.#context.write(op[2], "0", plus("c", op[3]), mean));
      });
    }
  }

  #each<O>(
    code: Code,
    when: string,
    ops: readonly O[],
    line: (op: O) => string,
    group?: ChannelGroup,
  ): void {
    if (ops.length === 0) return;
    const [, , channels] = this.#context.shapeOf(this.#step);
    code.block(`if (${when})`, () => {
      for (const op of ops) {
        eachChannel(code, channels, () => code.line(line(op)), group);
      }
    });
  }

  /** The sum of a row, in float. */
  #row(op: Mean): string {
    return `arena.f[${this.#place(op) + 2 * this.#channels()} + c]`;
  }

  /** The sum of rows, in double. */
  #total(op: Mean): string {
    return `arena.d[${this.#place(op) / 2} + c]`;
  }

  #place(op: Mean): number {
    return this.#scratch + 3 * this.#channels() * this.#means.indexOf(op);
  }

  #channels(): number {
    return evened(this.#context.shapeOf(this.#step)[2]);
  }

  /** The sum of four pixels, where their mean goes. */
  #block([, , id, offset]: MeanOfFour): string {
    const { shape } = this.#context.value(id);
    const pixel = `((oy / 2) * ${shape[1]} + ox / 2)`;
    return `arena.f[${this.#context.arena.values[id]} + ${pixel} * ${shape[2]} + ${plus("c", offset)}]`;
  }
}

import { half } from "../integer/fixed-point.js";
import { type Column, type IntegerOp, type IntegerStep, MOST, type Ref } from "../integer/types.js";
import { BitWriter } from "./bit-writer.js";
import type { Body, ChannelGroup } from "./body.js";
import { type IntegerContext, narrowest } from "./integer-context.js";
import { type Code, plus } from "./text.js";

type Op<K extends IntegerOp["kind"]> = Extract<IntegerOp, { readonly kind: K }>;

/** Words that sums of means need, for each channel. */
const sumWords = ({ wide }: Op<"mean">) => (wide ? 2 : 1);

const evened = (count: number) => count + (count % 2);

export function integerEpilogueScratch({ operations }: IntegerStep, channels: number): number {
  return operations
    .filter((op) => op.kind === "mean")
    .reduce((words, op) => words + evened(channels * sumWords(op)), 0);
}

/** Constants of a channel, as a member of a structure. */
interface Field {
  readonly name: string;
  readonly data: Column;
  readonly type: string;
  readonly bytes: number;
}

/** Integer operations as C. */
export class IntegerEpilogue implements Body {
  readonly #context: IntegerContext;
  readonly #step: IntegerStep;
  readonly #channels: number;
  readonly #scratch: number;
  readonly #bits: BitWriter;
  readonly #fields = new Map<string, Field>();
  readonly #table: string | undefined;
  readonly #wide: boolean;

  /** wideAccumulator: int64_t. scratch: place of what integerEpilogueScratch asked for. */
  constructor(
    context: IntegerContext,
    step: IntegerStep,
    index: number,
    { scratch, wideAccumulator }: { readonly scratch: number; readonly wideAccumulator: boolean },
  ) {
    this.#context = context;
    this.#step = step;
    this.#channels = context.shapeOf(step.step)[2];
    this.#scratch = scratch;
    this.#bits = new BitWriter(
      context,
      step.operations.filter((op) => op.kind === "bits"),
      this.#channels,
    );
    this.#wide = wideAccumulator;
    step.operations.forEach((op, i) => {
      for (const [name, data] of columnsOf(op)) this.#field(`${name}_${i + 1}`, data);
    });
    this.#table = this.#fields.size ? this.#declare(`channels_${index}`) : undefined;
  }

  before(code: Code): void {
    this.#means((_, member, at) => {
      code.loop("c", this.#channels, () => code.line(`arena.${member}[${at} + c] = 0;`));
    });
  }

  channels(code: Code, accumulate: () => string, group?: ChannelGroup): void {
    this.#pointers(code);
    this.#bits.loop(code, this.#channels, () => this.#each(code, accumulate()), group);
  }

  after(code: Code): void {
    this.#means(({ by, shift, value, offset }, member, at) => {
      code.loop("c", this.#channels, () => {
        const sum = `(int64_t)arena.${member}[${at} + c] * ${by}`;
        code.line(`int64_t mean = ${shifted(`${sum} + ${wideNumber(half(shift))}`, `${shift}`)};`);
        code.line(clamped("mean", MOST));
        const to = `arena.s[${2 * this.#context.arena.values[value] + offset} + c]`;
        code.line(`${to} = (int16_t)mean;`);
      });
    });
  }

  /** Sums in the arena, one after another. */
  #means(visit: (op: Op<"mean">, member: string, at: number) => void): void {
    let place = this.#scratch;
    for (const op of this.#step.operations) {
      if (op.kind !== "mean") continue;
      visit(op, op.wide ? "l" : "i", op.wide ? place / 2 : place);
      place += evened(this.#channels * sumWords(op));
    }
  }

  /** Where the numbers of this pixel lie. */
  #pointers(code: Code): void {
    for (const op of this.#step.operations) {
      if (op.kind === "store") {
        const from = this.#context.pixelOf(op.value, this.#pixelOf(op.value));
        code.line(`int16_t *const to_${op.value}_${op.offset} = ${plus(from, op.offset)};`);
      } else if (op.kind === "load" && this.#isPlain(op.value)) {
        const from = this.#context.pixelOf(op.value, this.#pixelOf(op.value));
        code.line(`const int16_t *const of_${op.value} = ${from};`);
      }
    }
  }

  #pixelOf(value: number): string {
    const [height, width] = this.#context.value(value).shape;
    return height * width === 1 ? "0" : "pixel";
  }

  #isPlain(value: number): boolean {
    return this.#context.value(value).kind !== "bits" && !this.#context.isImage(value);
  }

  #each(code: Code, accumulator: string): void {
    const { operations } = this.#step;
    const used = new Set(operations.flatMap((op) => ("of" in op ? refsOf(op) : [])));
    code.line(`const ${this.#wide ? "int64_t" : "int32_t"} r0 = ${accumulator};`);
    if (!used.has(0)) code.line("(void)r0;");
    if (this.#table) code.line(`const struct ${this.#table} *const k = &${this.#table}[c];`);
    // Before anything is stored: what is loaded may lie where that goes.
    operations.forEach((op, i) => {
      if (op.kind === "load") code.line(`const int32_t r${i + 1} = ${this.#load(op.value)};`);
    });
    let [signs, sums] = [0, this.#scratch];
    operations.forEach((op, i) => {
      switch (op.kind) {
        case "load":
          return;
        case "store":
          code.line(`to_${op.value}_${op.offset}[c] = (int16_t)r${op.of};`);
          return;
        case "bits":
          this.#bits.set(code, signs++, this.#isOne(op, i + 1));
          return;
        case "mean": {
          const at = op.wide ? `l[${sums / 2}` : `i[${sums}`;
          code.line(`arena.${at} + c] += r${op.of};`);
          sums += evened(this.#channels * sumWords(op));
          return;
        }
        case "mean-2x2":
          this.#meanOfFour(code, op);
          return;
        default:
          this.#compute(code, op, i + 1);
      }
    });
  }

  #compute(
    code: Code,
    op: Exclude<IntegerOp, { kind: "load" | "store" | "bits" | "mean" | "mean-2x2" }>,
    i: number,
  ): void {
    const r = `r${i}`;
    const of = `r${op.of}`;
    const number = (name: string) => this.#number(`${name}_${i}`);
    switch (op.kind) {
      case "scale": {
        const sum = added([times(op.wide ? `(int64_t)${of}` : of, number("by"))], number("plus"));
        const type = op.wide ? "int64_t" : "int32_t";
        this.#define(code, r, type, shifted(sum, number("shift")), op.limit);
        return;
      }
      case "sum": {
        const terms = [times(of, number("by")), times(`r${op.other}`, number("byOther"))];
        const sum = added(terms, number("plus"));
        this.#define(code, r, "int32_t", shifted(sum, number("shift")), op.limit);
        return;
      }
      case "product": {
        const sum = added([`${of} * r${op.other}`], String(half(op.shift)));
        this.#define(code, r, "int32_t", shifted(sum, `${op.shift}`), op.limit);
        return;
      }
      case "prelu": {
        const shift = number("shift");
        const below = shifted(added([times(of, number("by"))], number("half")), shift);
        this.#define(code, r, "int32_t", `${of} > 0 ? ${of} : ${below}`, op.limit);
        return;
      }
      case "clamp":
        code.line(
          `const int32_t ${r} = ${of} < ${op.low} ? ${op.low} : ${of} > ${op.high} ? ${op.high} : ${of};`,
        );
        return;
      case "sigmoid":
        this.#context.call("integer-sigmoid");
        code.line(`const int32_t ${r} = integer_sigmoid(${of});`);
        return;
      default:
        op satisfies never;
    }
  }

  #define(code: Code, name: string, type: string, expression: string, limit?: number): void {
    if (type === "int32_t" && limit === undefined) {
      code.line(`const int32_t ${name} = ${expression};`);
      return;
    }
    if (type === "int32_t") {
      code.line(`int32_t ${name} = ${expression};`);
      code.line(clamped(name, limit!));
      return;
    }
    code.line(`int64_t ${name}_wide = ${expression};`);
    if (limit !== undefined) code.line(clamped(`${name}_wide`, limit));
    code.line(`const int32_t ${name} = (int32_t)${name}_wide;`);
  }

  #load(value: number): string {
    const channels = this.#context.value(value).shape[2];
    const channel = channels < this.#channels ? `c % ${channels}` : "c";
    if (this.#isPlain(value)) return `of_${value}[${channel}]`;
    return this.#context.read(value, this.#pixelOf(value), channel);
  }

  #isOne({ of, count }: Op<"bits">, i: number): string {
    const from = this.#number(`from_${i}`);
    if (!count) return `r${of} >= ${from}`;
    const numbers = this.#number(`count_${i}`);
    return numbers === "0" ? "0" : `(uint32_t)r${of} - (uint32_t)${from} < (uint32_t)${numbers}`;
  }

  #meanOfFour(code: Code, { of, value, offset }: Op<"mean-2x2">): void {
    const [, width, channels] = this.#context.value(value).shape;
    const place = 2 * this.#context.arena.values[value];
    code.block("", () => {
      const pixel = `((oy / 2) * ${width} + ox / 2)`;
      const channel = plus("c", offset);
      code.line(`int16_t *const sum = &arena.s[${place} + ${pixel} * ${channels} + ${channel}];`);
      code.line(`*sum = (int16_t)((oy % 2 == 0 && ox % 2 == 0 ? 0 : *sum) + r${of});`);
    });
  }

  #field(name: string, data: Column): void {
    this.#fields.set(name, { name, data, ...narrowest(data, !name.startsWith("count")) });
  }

  /** A constant of this channel, or of all. */
  #number(name: string): string {
    const field = this.#fields.get(name);
    if (!field) throw new Error(`no constant ${name}`);
    if (isUniform(field.data)) return literal(field.data[0]);
    return `k->${name}`;
  }

  /** `static const struct`: the widest members first, so that none is filled up. */
  #declare(name: string): string | undefined {
    const fields = [...this.#fields.values()]
      .filter(({ data }) => !isUniform(data))
      .sort((a, b) => b.bytes - a.bytes);
    if (!fields.length) return undefined;
    const [{ bytes: alignment }] = fields;
    const size = fields.reduce((sum, { bytes }) => sum + bytes, 0);
    const filled = Math.ceil(size / alignment) * alignment;
    return this.#context.constant(name, name, this.#channels * filled, (made) => {
      const members = fields.map((field) => `  ${field.type} ${field.name};`);
      const rows = Array.from({ length: this.#channels }, (_, c) => {
        return `  { ${fields.map(({ data }) => literal(data[c])).join(", ")} },`;
      });
      return [
        `static const struct ${made} {`,
        ...members,
        `} ${made}[${this.#channels}] = {`,
        ...rows,
        "};",
      ].join("\n");
    });
  }
}

const isUniform = (data: Column) => data.every((x) => x === data[0]);

function columnsOf(op: IntegerOp): [string, Column][] {
  switch (op.kind) {
    case "scale":
      return [
        ["by", op.by],
        ["plus", op.plus],
        ["shift", op.shift],
      ];
    case "sum":
      return [
        ["by", op.by],
        ["byOther", op.byOther],
        ["plus", op.plus],
        ["shift", op.shift],
      ];
    case "prelu":
      return [
        ["by", op.by],
        ["half", op.shift.map(half)],
        ["shift", op.shift],
      ];
    case "bits":
      return op.count
        ? [
            ["from", op.from],
            ["count", op.count],
          ]
        : [["from", op.from]];
    default:
      return [];
  }
}

function refsOf(op: Extract<IntegerOp, { readonly of: Ref }>): Ref[] {
  return "other" in op ? [op.of, op.other] : [op.of];
}

function literal(x: number): string {
  if (x >= 2 ** 31 && x < 2 ** 32) return `${x}u`;
  return x <= -(2 ** 31) ? `(${x + 1} - 1)` : wideNumber(x);
}

const wideNumber = (x: number) => (Math.abs(x) >= 2 ** 31 ? `INT64_C(${x})` : `${x}`);

const times = (x: string, by: string) => (by === "1" ? x : `${x} * ${by}`);
const added = (terms: readonly string[], last: string) =>
  (last === "0" ? terms : [...terms, last]).join(" + ");
const shifted = (x: string, by: string) => (by === "0" ? x : `(${x}) >> ${by}`);
const clamped = (name: string, limit: number) =>
  `${name} = ${name} < -${limit + 1} ? -${limit + 1} : ${name} > ${limit} ? ${limit} : ${name};`;

import {
  type Computing,
  type ComputingName,
  isComputing,
  MICRO_OPS,
  type MicroOp,
  operandsOf,
  type Step,
} from "onebit/program";
import { BitWriter } from "./bit-writer.js";
import type { Body, ChannelGroup } from "./body.js";
import type { FloatContext } from "./float-context.js";
import { FloatMeans } from "./float-means.js";
import { type Code, float, plus } from "./text.js";

/** The formula of each micro-op, as statements that define `to`: one operation each, so that each is rounded. */
const COMPUTE: {
  readonly [N in ComputingName]: (to: string, r: string, a: string, b: string) => readonly string[];
} = {
  affine: (to, r, s, t) => [`float ${to} = ${r} * ${s};`, `${to} = ${to} + ${t};`],
  shift: (to, r, t) => [`const float ${to} = ${r} + ${t};`],
  scale: (to, r, s) => [`const float ${to} = ${r} * ${s};`],
  // The product is always there: compilers that keep exceptions in mind make vectors only where none is skipped.
  prelu: (to, r, s) => [
    `const float ${to}_s = ${r} * ${s};`,
    `const float ${to} = ${r} > 0.0f ? ${r} : ${to}_s;`,
  ],
  relu: (to, r) => [`const float ${to} = ${r} > 0.0f ? ${r} : 0.0f;`],
  sigmoid: (to, r) => [`const float ${to} = sigmoid(${r});`],
  "hard-sigmoid": (to, r) => [
    `float ${to} = ${r} + 3.0f;`,
    `${to} = ${to} < 0.0f ? 0.0f : ${to};`,
    `${to} = (${to} > 6.0f ? 6.0f : ${to}) * ${float(Math.fround(1 / 6))};`,
  ],
  clamp: (to, r, low, high) => [
    `const float ${to} = ${r} < ${low} ? ${low} : ${r} > ${high} ? ${high} : ${r};`,
  ],
  add: (to, r, q) => [`const float ${to} = ${r} + ${q};`],
  mul: (to, r, q) => [`const float ${to} = ${r} * ${q};`],
  mix: (to, p, y, a) => [
    `const float ${to}_p = ${a} * ${p};`,
    `const float ${to}_a = 1.0f - ${a};`,
    `const float ${to}_y = ${to}_a * ${y};`,
    `const float ${to} = ${to}_p + ${to}_y;`,
  ],
  sign: (to, r, t, zero) => [
    `const float ${to} = ${r} ${zero.startsWith("-") ? ">" : ">="} ${t} ? 1.0f : -1.0f;`,
  ],
  max: (to, r, q) => [`const float ${to} = ${r} > ${q} ? ${r} : ${q};`],
  min: (to, r, q) => [`const float ${to} = ${r} < ${q} ? ${r} : ${q};`],
  round: (to, r) => [`const float ${to} = rintf(${r}) + 0.0f;`],
};

/** An epilogue as C: what goes before the loops over pixels, into them, and after them. */
export class FloatEpilogue implements Body {
  readonly #context: FloatContext;
  readonly #step: Step;
  readonly #means: FloatMeans;
  readonly #bits: BitWriter;

  /** scratch: place of what meansScratch asked for. */
  constructor(context: FloatContext, step: Step, scratch: number) {
    this.#context = context;
    this.#step = step;
    this.#means = new FloatMeans(context, step, scratch);
    const outputs = step.epilogue.flatMap((op) =>
      op[0] === "bits" ? [{ value: op[3], offset: op[4] }] : [],
    );
    this.#bits = new BitWriter(context, outputs, context.shapeOf(step)[2]);
  }

  before(code: Code): void {
    this.#means.before(code);
  }

  channels(code: Code, accumulate: () => string, group?: ChannelGroup): void {
    const [, , channels] = this.#context.shapeOf(this.#step);
    this.#means.begin(code, group);
    this.#bits.loop(code, channels, () => this.#each(code, accumulate()), group);
    this.#means.end(code, group);
  }

  #each(code: Code, accumulator: string): void {
    const used = new Set(this.#step.epilogue.flatMap((op) => operandsOf(op, "register")));
    const define = (register: number, lines: readonly string[]) => {
      code.lines(lines);
      // What nobody reads is not to be warned of.
      if (!used.has(register)) code.line(`(void)r${register};`);
    };
    define(0, [`const float r0 = ${accumulator};`]);
    // Before anything is stored: what is loaded may lie where that goes.
    this.#step.epilogue.forEach((op, i) => {
      if (op[0] === "load") define(i + 1, [`const float r${i + 1} = ${this.#load(op[1])};`]);
    });
    let signs = 0;
    const registers = ["r0"];
    this.#step.epilogue.forEach((op, i) => {
      const name = `r${i + 1}`;
      if (isComputing(op)) {
        define(i + 1, this.#compute(name, op, registers));
        registers.push(name);
        return;
      }
      switch (op[0]) {
        case "load":
          registers.push(name);
          return;
        case "store":
          code.line(this.#context.write(op[2], "pixel", plus("c", op[3]), registers[op[1]]));
          break;
        case "bits":
          this.#bits.set(code, signs++, this.#isAbove(op, registers[op[1]]));
          break;
        case "mean":
        case "mean-2x2":
          this.#means.add(code, op, registers[op[1]]);
          break;
        default:
          op satisfies never;
      }
      registers.push(registers[op[1]]);
    });
  }

  after(code: Code): void {
    this.#means.after(code);
  }

  #compute(to: string, op: Computing, registers: readonly string[]): readonly string[] {
    const { helpers } = this.#context;
    if (op[0] === "sigmoid") helpers.add("sigmoid");
    const [a, b = "", c = ""] = MICRO_OPS[op[0]].map((sort, i) => {
      const operand = op[i + 1];
      if (sort === "register") return registers[operand as number];
      if (sort === "number" || sort === "zero") return float(operand as number);
      return `${this.#context.floats(operand as string)}[c]`;
    });
    return COMPUTE[op[0]](to, a, b, c);
  }

  #load(id: number): string {
    const { kind, shape } = this.#context.value(id);
    const channels = this.#context.shapeOf(this.#step)[2];
    const channel = shape[2] < channels ? `c % ${shape[2]}` : "c";
    return this.#context.read(id, kind === "vector" ? "0" : "pixel", channel);
  }

  #isAbove(
    [, , key, , , zero]: Extract<MicroOp, readonly ["bits", ...unknown[]]>,
    register: string,
  ): string {
    return `${register} ${zero === 1 ? ">=" : ">"} ${this.#context.floats(key)}[c]`;
  }
}

import { outputShape } from "./geometry.js";
import type { MicroOp, Program, ProgramValue, Step, ValueId } from "./types.js";

/** What a micro-op decided and on what: bits = register > threshold. */
export interface ObservedSign {
  /** Name of the bits. */
  readonly name: string;
  /** Output that holds the register, before the comparison. */
  readonly before: string;
  /** Thresholds by channel offset. */
  readonly thresholds: readonly { readonly offset: number; readonly tensor: string }[];
}

/** A program that shows what it computes in between. */
export interface Observed {
  /** Same steps, same arithmetic; every value that was asked for is an output. */
  readonly program: Program;
  readonly signs: readonly ObservedSign[];
}

/** Name of a step's bare accumulator: the graph node of its weight, or its number. */
export function sumName(step: Step, index: number): string {
  return `${weightNode(step) ?? `step ${index}`}:sum`;
}

/** The graph node whose weight a step holds, as pack names it. */
export function weightNode(step: Step): string | undefined {
  return "weight" in step ? step.weight.replace(/\.weight(\.\d+)?$/, "") : undefined;
}

/**
 * The program with its insides as outputs, for comparing networks value by value on any backend:
 *
 *   NAME           every map, vector and bits (as -1 and +1)
 *   NAME:before    the register that bits NAME compare with their threshold
 *   NODE:sum       the accumulator of the step that holds NODE's weight
 *
 * isWanted chooses among them; what a network had as outputs is kept only where it is wanted.
 */
export function observe(program: Program, isWanted: (output: string) => boolean): Observed {
  const observer = new Observer(program, isWanted);
  program.steps.forEach((step, index) => {
    observer.step(step, index);
  });
  return observer.result();
}

class Observer {
  readonly #values: ProgramValue[];
  readonly #names: Set<string>;
  readonly #steps: Step[] = [];
  readonly #outputs: { [name: string]: ValueId } = {};
  readonly #befores = new Map<ValueId, ValueId>();
  readonly #thresholds = new Map<ValueId, { offset: number; tensor: string }[]>();

  constructor(
    readonly program: Program,
    readonly isWanted: (output: string) => boolean,
  ) {
    this.#values = [...program.values];
    this.#names = new Set(program.values.map(({ name }) => name));
  }

  step(step: Step, index: number): void {
    const extra: MicroOp[] = [];
    const sum = sumName(step, index);
    if (step.kind !== "pointwise" && this.isWanted(sum)) {
      const shape = outputShape(this.program, step);
      extra.push(["store", 0, this.#addOutput(sum, shape), 0]);
    }
    for (const op of step.epilogue) {
      if (op[0] !== "bits") continue;
      const [, register, tensor, bits, offset] = op;
      this.#thresholds.set(bits, [...(this.#thresholds.get(bits) ?? []), { offset, tensor }]);
      const before = this.#before(bits);
      if (before !== undefined) extra.push(["store", register, before, offset]);
    }
    // At the end: every op before keeps its register's number.
    this.#steps.push({ ...step, epilogue: [...step.epilogue, ...extra] });
  }

  result(): Observed {
    const { input, values } = this.program;
    values.forEach(({ name, kind, shape, type }, id) => {
      if (id === input || !this.isWanted(name)) return;
      if (kind !== "bits" && type === undefined) this.#outputs[name] = id;
      else this.#expand(name, id, shape);
    });
    const signs = [...this.#thresholds].map(([bits, thresholds]) => {
      const { name } = values[bits];
      return { name, before: `${name}:before`, thresholds };
    });
    const program = { input, values: this.#values, steps: this.#steps, outputs: this.#outputs };
    return { program, signs };
  }

  #before(bits: ValueId): ValueId | undefined {
    const { name, shape } = this.program.values[bits];
    if (!this.isWanted(`${name}:before`)) return undefined;
    const known = this.#befores.get(bits);
    if (known !== undefined) return known;
    const added = this.#addOutput(`${name}:before`, shape);
    this.#befores.set(bits, added);
    return added;
  }

  /** Bits and narrow maps are no outputs: a pass makes float32 numbers of them. */
  #expand(name: string, input: ValueId, shape: ProgramValue["shape"]): void {
    const numbers = this.#add(`${name}:numbers`, shape);
    const epilogue: MicroOp[] = [["store", 0, numbers, 0]];
    this.#steps.push({ kind: "pointwise", covers: [], input, epilogue });
    this.#outputs[name] = numbers;
  }

  #addOutput(name: string, shape: ProgramValue["shape"]): ValueId {
    const id = this.#add(name, shape);
    this.#outputs[name] = id;
    return id;
  }

  #add(wanted: string, shape: ProgramValue["shape"]): ValueId {
    let name = wanted;
    while (this.#names.has(name)) name += "'";
    this.#names.add(name);
    return this.#values.push({ name, kind: "map", shape }) - 1;
  }
}

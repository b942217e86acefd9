import type {
  MapShape,
  Program,
  ProgramTensors,
  ProgramValue,
  Step,
  ValueId,
} from "onebit/program";
import { outputShape } from "onebit/program";
import type { Arena } from "./arena.js";

/** Functions of support.ts that the code calls. */
export type Helper =
  | "popcount-instruction"
  | "popcount-masks"
  | "sum-of-bytes"
  | "sigmoid"
  | "to-bfloat16"
  | "from-bfloat16"
  | "round-half-even"
  | "integer-sigmoid";

/** Parts of the generated file that its steps call for. */
export abstract class Context {
  readonly program: Program;
  readonly tensors: ProgramTensors;
  readonly arena: Arena;
  readonly helpers = new Set<Helper>();
  readonly #constants = new Map<string, { readonly name: string; readonly text: string }>();
  readonly #functions = new Map<string, string>();
  readonly #bytes: number[];
  /** The step that is being written, which constants are counted for. */
  step = 0;

  constructor(program: Program, tensors: ProgramTensors, arena: Arena) {
    this.program = program;
    this.tensors = tensors;
    this.arena = arena;
    this.#bytes = program.steps.map(() => 0);
  }

  /** Declarations of constants, and functions of the steps' own. */
  get declarations(): readonly string[] {
    return [...this.#constants.values()].map(({ text }) => text);
  }

  get functions(): readonly string[] {
    return [...this.#functions.values()];
  }

  /** By step: of what it is the first to use. */
  get constantBytes(): readonly number[] {
    return this.#bytes;
  }

  /** The name of a constant of so many bytes, which is written once. */
  constant(key: string, prefix: string, bytes: number, write: (name: string) => string): string {
    const known = this.#constants.get(key);
    if (known) return known.name;
    const name = `${prefix}_${this.#constants.size}`;
    this.#constants.set(key, { name, text: write(name) });
    this.#bytes[this.step] += bytes;
    return name;
  }

  /** A function that steps share, by its name. */
  function(name: string, text: () => string): string {
    if (!this.#functions.has(name)) this.#functions.set(name, text());
    return name;
  }

  call(helper: Helper): void {
    this.helpers.add(helper);
  }

  /** Members of the arena besides w, and the types of their numbers. */
  abstract readonly types: { readonly [member: string]: string };

  /** An int32_t expression as a number of the accumulator's type. */
  abstract ofInteger(expression: string): string;

  value(id: ValueId): ProgramValue {
    return this.program.values[id];
  }

  shapeOf(step: Step): MapShape {
    return outputShape(this.program, step);
  }
}

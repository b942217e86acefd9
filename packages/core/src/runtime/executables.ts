import type { Assets } from "../platform/web-types.js";
import { programCost } from "../program/cost.js";
import { forOutputs } from "../program/passes/for-outputs.js";
import type { Program, ProgramTensors } from "../program/types.js";
import type { Executable } from "./backend.js";
import { type BackendChoice, type Chosen, compileFor } from "./backends.js";
import { type Budget, BudgetError, checkWork, DEFAULT_BUDGET } from "./budget.js";

export interface ExecutableSettings {
  readonly threads: number;
  readonly assets?: Assets;
  readonly budget: Budget;
}

/** A program that computes some outputs, and nothing else. */
export interface Compiled {
  readonly program: Program;
  readonly executable: Executable;
}

/**
 * One program, compiled for each set of outputs that is asked for: for the first one at once, for
 * others when their time comes, on the same backend. The budget spans all of them.
 */
export class Executables {
  readonly first: Compiled;
  readonly chosen: Chosen;
  readonly #whole: Program;
  readonly #tensors: ProgramTensors;
  readonly #settings: ExecutableSettings;
  readonly #bySet = new Map<string, Compiled>();

  static async create(
    whole: Program,
    tensors: ProgramTensors,
    outputs: readonly string[],
    choice: BackendChoice,
    settings: ExecutableSettings,
  ): Promise<Executables> {
    const { threads, budget, assets } = settings;
    const program = affordable(forOutputs(whole, outputs), budget);
    const options = { threads, memory: budget.memory, assets };
    const chosen = await compileFor(choice, program, tensors, options);
    return new Executables(whole, tensors, settings, chosen, program);
  }

  private constructor(
    whole: Program,
    tensors: ProgramTensors,
    settings: ExecutableSettings,
    chosen: Chosen,
    program: Program,
  ) {
    this.#whole = whole;
    this.#tensors = tensors;
    this.#settings = settings;
    this.chosen = chosen;
    this.first = { program, executable: chosen.executable };
    this.#bySet.set(setOf(Object.keys(program.outputs)), this.first);
  }

  /** What computes these outputs, if it has been compiled. */
  known(outputs: readonly string[]): Compiled | undefined {
    return this.#bySet.get(setOf(outputs));
  }

  /** What computes these outputs. One call after another: each counts what the others have taken. */
  async for(outputs: readonly string[]): Promise<Compiled> {
    const known = this.known(outputs);
    if (known) return known;
    const { threads, budget, assets } = this.#settings;
    const program = affordable(forOutputs(this.#whole, outputs), budget);
    const held = this.#memoryBytes();
    const memory = (budget.memory ?? DEFAULT_BUDGET.memory) - held;
    const options = { threads, memory, assets };
    const executable = await this.chosen.backend
      .compile(program, this.#tensors, options)
      .catch((error: unknown) => {
        if (!(error instanceof BudgetError)) throw error;
        throw new BudgetError(
          `${error.message}; outputs that ran before hold ${Math.ceil(held / 1024)} KiB more`,
        );
      });
    const compiled = { program, executable };
    this.#bySet.set(setOf(outputs), compiled);
    return compiled;
  }

  dispose(): void {
    for (const { executable } of this.#bySet.values()) executable.dispose();
  }

  #memoryBytes(): number {
    const all = [...this.#bySet.values()];
    return all.reduce((sum, { executable }) => sum + (executable.memoryBytes ?? 0), 0);
  }
}

function setOf(outputs: readonly string[]): string {
  return JSON.stringify([...outputs].sort());
}

function affordable(program: Program, { work }: Budget): Program {
  checkWork(programCost(program), work);
  return program;
}

import type { Program, ProgramTensors } from "../../../program/types.js";
import { compileStep } from "./compile-step.js";
import { type CompiledStep, encodeInstruction, type Instruction } from "./instruction.js";
import { addressOf, type Field, MemoryPlan, type Place } from "./memory-plan.js";
import { layOutValues, type ValueLayout } from "./value-layout.js";

/** A program as tables in linear memory, ready for kernels/index.ts. */
export interface CompiledProgram {
  readonly plan: MemoryPlan;
  readonly layouts: readonly ValueLayout[];
  /** Address of each step's table. */
  readonly steps: readonly number[];
}

export interface PlanOptions {
  /** What a block of rows of one register should take: several fit the first-level cache. */
  readonly blockBytes?: number;
  /** See MemoryPlan. */
  readonly isolate?: boolean;
}

/** Plans memory, tiles weights, derives border corrections, writes instruction tables. Pure. */
export function compileProgram(
  program: Program,
  tensors: ProgramTensors,
  { blockBytes = 16_384, isolate = false }: PlanOptions = {},
): CompiledProgram {
  const plan = new MemoryPlan(isolate);
  const layouts = layOutValues(program, plan);
  const tables = program.steps.map((_, index) =>
    stepTable(plan, compileStep({ program, tensors, plan, layouts, index, blockBytes })),
  );
  plan.assign();
  return { plan, layouts, steps: tables.map(addressOf) };
}

function stepTable(plan: MemoryPlan, step: CompiledStep): Place {
  const { rows, width, blockRows } = step;
  const list = (instructions: readonly Instruction[]): Field[] => [
    plan.constant(instructions.flatMap((i) => encodeInstruction(i, rows, width))),
    instructions.length,
  ];
  const lists = [step.prologue, step.body, step.finish].flatMap(list);
  return plan.constant([rows, width, blockRows, ...lists]);
}

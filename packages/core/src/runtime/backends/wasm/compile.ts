import type { Program, ProgramTensors } from "../../../program/types.js";
import type { BinaryConvForm, ImageLayout } from "./binary-conv.js";
import type { EpilogueShape } from "./codegen/epilogue-shape.js";
import { compileStep } from "./compile-step.js";
import { type CompiledStep, encodeInstruction, type Instruction } from "./instruction.js";
import { addressOf, type Field, MemoryPlan, type Place } from "./memory-plan.js";
import { layOutValues, type ValueLayout } from "./value-layout.js";

/** A program as tables in linear memory, ready for kernels/index.ts and the generated epilogues. */
export interface CompiledProgram {
  readonly plan: MemoryPlan;
  readonly layouts: readonly ValueLayout[];
  readonly steps: readonly StepTables[];
  /** What runs each step, for people. */
  readonly kernels: readonly string[];
  /** What to put where and run, in this order, before the first image. */
  readonly preparations: readonly {
    readonly data: ArrayBufferView;
    readonly address: number;
    readonly list: InstructionList;
  }[];
  /** Distinct epilogues; steps name theirs by index. */
  readonly epilogues: readonly EpilogueShape[];
}

/**
 * What a step does, one phase after another. Addresses and counts: plain data, so that it can be
 * sent to other threads.
 */
export type StepTables = readonly Phase[];

/** Blocks of rows: instructions on each, then the generated epilogue. */
export interface Phase {
  readonly list?: InstructionList;
  readonly rows: number;
  readonly blockRows: number;
  /** Threads may share the rows; else one thread does it all. */
  readonly parallel: boolean;
  readonly epilogue?: { readonly index: number; readonly table: number };
}

export interface InstructionList {
  readonly address: number;
  readonly count: number;
}

export interface PlanOptions {
  /** What a block of rows of the accumulator should take: it stays in the first-level cache. */
  readonly blockBytes?: number;
  /** Pixels of a binary convolution's block: what each tile of weights is read for. */
  readonly convPixels?: number;
  /** Smaller accumulators are one thread's: they take no longer than threads take to meet. */
  readonly parallelElements?: number;
  /** See MemoryPlan. */
  readonly isolate?: boolean;
  readonly threads?: number;
  /** Form of all binary convolutions; else chosen for each. */
  readonly form?: BinaryConvForm;
}

/** Plans memory, tiles weights, derives border corrections, writes instruction tables. Pure. */
export function compileProgram(
  program: Program,
  tensors: ProgramTensors,
  {
    blockBytes = 16_384,
    convPixels = 56,
    parallelElements = 4096,
    form,
    ...memory
  }: PlanOptions = {},
): CompiledProgram {
  const plan = new MemoryPlan(memory);
  const layouts = layOutValues(program, plan);
  const epilogues = new Epilogues();
  const kernels: string[] = [];
  const pairedImages = new Map<string, ImageLayout>();
  const placed = program.steps.map((_, index) => {
    const sizes = { blockBytes, convPixels, parallelElements };
    const made = { plan, layouts, pairedImages };
    const step = compileStep({ program, tensors, index, form, ...made, ...sizes });
    kernels.push(step.kernel);
    return placeStep(plan, step, epilogues.indexOf(step));
  });
  const staged = plan.preparations.map(({ data, staged, instructions }) => {
    return { data, staged, list: placeList(plan, instructions, 0, 0) };
  });
  plan.assign();
  const steps = placed.map((phases) => phases.map(phaseTable));
  const preparations = staged.map(({ data, staged, list }) => {
    return { data, address: addressOf(staged), list: listTable(list) };
  });
  return { plan, layouts, steps, kernels, preparations, epilogues: epilogues.shapes };
}

type PlacedPhase = Omit<Phase, "list" | "epilogue"> & {
  readonly list?: PlacedList;
  readonly epilogue?: { readonly index: number; readonly table: Place };
};

function placeStep(plan: MemoryPlan, step: CompiledStep, index: number): PlacedPhase[] {
  const { rows, width, blockRows, parallel, before, epilogue } = step;
  const list = (instructions: readonly Instruction[] = []) =>
    instructions.length > 0 ? placeList(plan, instructions, rows, width) : undefined;
  const once = { rows, blockRows: rows, parallel: false };
  const own = { rows: before?.rows ?? 0, parallel: before?.parallel ?? false };
  const phases: PlacedPhase[] = [
    { ...once, list: list(step.prologue) },
    { ...own, blockRows: own.rows, list: list(before?.instructions) },
    {
      list: list(step.body),
      rows,
      blockRows,
      parallel,
      epilogue: epilogue && { index, table: epilogue.table },
    },
    { ...once, list: list(step.finish) },
  ];
  return phases.filter(({ list, epilogue }) => list || epilogue);
}

function phaseTable({ list, epilogue, ...phase }: PlacedPhase): Phase {
  const code = epilogue && { ...epilogue, table: addressOf(epilogue.table) };
  return { ...phase, list: list && listTable(list), epilogue: code };
}

interface PlacedList {
  readonly place: Place;
  readonly count: number;
}

function placeList(
  plan: MemoryPlan,
  list: readonly Instruction[],
  rows: number,
  width: number,
): PlacedList {
  const fields: Field[] = [];
  for (const instruction of list) fields.push(...encodeInstruction(instruction, rows, width));
  return { place: plan.constant(fields), count: list.length };
}

function listTable({ place, count }: PlacedList): InstructionList {
  return { address: addressOf(place), count };
}

/** Epilogues of one shape share a function. */
class Epilogues {
  readonly shapes: EpilogueShape[] = [];
  readonly #indices = new Map<string, number>();

  indexOf({ epilogue }: CompiledStep): number {
    if (!epilogue) return -1;
    const key = JSON.stringify(epilogue.shape);
    const known = this.#indices.get(key);
    if (known !== undefined) return known;
    const index = this.shapes.push(epilogue.shape) - 1;
    this.#indices.set(key, index);
    return index;
  }
}

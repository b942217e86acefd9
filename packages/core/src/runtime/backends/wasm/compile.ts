import type { Program, ProgramTensors } from "../../../program/types.js";
import type { ImageLayout } from "./binary-conv.js";
import type { EpilogueShape } from "./codegen/epilogue-shape.js";
import { compileStep } from "./compile-step.js";
import {
  type CompiledStep,
  encodeInstruction,
  type Instruction,
  type RowInstructions,
  type StepPart,
} from "./instruction.js";
import type { KernelWishes } from "./kernel-choice.js";
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

/** Blocks of rows, of each part. */
export interface Phase {
  /** Ranges of channels: several where threads share these, each takes a part; else one. */
  readonly parts: readonly PhasePart[];
  readonly rows: number;
  readonly blockRows: number;
  /** A thread takes a multiple of so many rows. */
  readonly rowMultiple: number;
  /** Threads may share the rows, or the parts; else one thread does it all. */
  readonly parallel: boolean;
}

/** Instructions on all rows that a thread takes, then block by block others and the epilogue. */
export interface PhasePart {
  readonly begin?: InstructionList;
  readonly list?: InstructionList;
  readonly epilogue?: { readonly index: number; readonly table: number };
}

export interface InstructionList {
  readonly address: number;
  readonly count: number;
}

export interface PlanOptions extends KernelWishes {
  /** What a block of rows of the accumulator should take: it stays in the first-level cache. */
  readonly blockBytes?: number;
  /** Pixels of a binary convolution's block: what each tile of weights is read for. */
  readonly convPixels?: number;
  /** Smaller accumulators are one thread's: they take no longer than threads take to meet. */
  readonly parallelElements?: number;
  /** See MemoryPlan. */
  readonly isolate?: boolean;
  readonly threads?: number;
  /** See MemoryPlan. */
  readonly memory?: number;
}

/** Plans memory, tiles weights, derives border corrections, writes instruction tables. Pure. */
export function compileProgram(
  program: Program,
  tensors: ProgramTensors,
  options: PlanOptions = {},
): CompiledProgram {
  const { blockBytes = 16_384, convPixels = 56, parallelElements = 4096 } = options;
  const { threads = 1, isolate, memory } = options;
  const plan = new MemoryPlan({ threads, isolate, memory });
  const layouts = layOutValues(program, plan);
  const pairedImages = new Map<string, ImageLayout>();
  const sizes = { blockBytes, convPixels, parallelElements, threads };
  const input = { program, tensors, plan, layouts, pairedImages, kernels: options, ...sizes };
  const epilogues = new Epilogues();
  const kernels: string[] = [];
  const placed = program.steps.map((step, index) => {
    const compiled = compileStep(input, step, index);
    kernels.push(compiled.kernel);
    return placeStep(plan, compiled, epilogues);
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

interface PlacedPhase extends Omit<Phase, "parts"> {
  readonly parts: readonly PlacedPart[];
}

interface PlacedPart {
  readonly begin?: PlacedList;
  readonly list?: PlacedList;
  readonly epilogue?: { readonly index: number; readonly table: Place };
}

function placeStep(plan: MemoryPlan, step: CompiledStep, epilogues: Epilogues): PlacedPhase[] {
  const { rows, width, blockRows, rowMultiple, parallel, before } = step;
  const phases: PlacedPhase[] = [];
  const whole = (list: readonly Instruction[], own: Omit<RowInstructions, "instructions">) => {
    if (list.length === 0) return;
    const parts = [{ list: placeList(plan, list, rows, width) }];
    phases.push({
      parts,
      rows: own.rows,
      blockRows: own.rows,
      rowMultiple: 1,
      parallel: own.parallel,
    });
  };
  const once = { rows, parallel: false };
  whole(step.prologue, once);
  if (before) whole(before.instructions, before);
  const parts = step.parts.map((part) => placePart(plan, part, step, epilogues));
  const [{ begin, list, epilogue }] = parts;
  if (begin || list || epilogue) phases.push({ parts, rows, blockRows, rowMultiple, parallel });
  whole(step.finish, once);
  return phases;
}

function placePart(
  plan: MemoryPlan,
  { begin, body, epilogue }: StepPart,
  { rows, width }: CompiledStep,
  epilogues: Epilogues,
): PlacedPart {
  return {
    begin: begin.length > 0 ? placeList(plan, begin, rows, width) : undefined,
    list: body.length > 0 ? placeList(plan, body, rows, width) : undefined,
    epilogue: epilogue && {
      index: epilogues.indexOf(epilogue.shape),
      table: epilogue.table,
    },
  };
}

function phaseTable(phase: PlacedPhase): Phase {
  const { parts, rows, blockRows, rowMultiple, parallel } = phase;
  return { parts: parts.map(partTable), rows, blockRows, rowMultiple, parallel };
}

function partTable({ begin, list, epilogue }: PlacedPart): PhasePart {
  return {
    begin: begin && listTable(begin),
    list: list && listTable(list),
    epilogue: epilogue && { index: epilogue.index, table: addressOf(epilogue.table) },
  };
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
  for (const instruction of list) encodeInstruction(fields, instruction, rows, width);
  return { place: plan.constant(fields), count: list.length };
}

function listTable({ place, count }: PlacedList): InstructionList {
  return { address: addressOf(place), count };
}

/** Epilogues of one shape share a function. */
class Epilogues {
  readonly shapes: EpilogueShape[] = [];
  readonly #indices = new Map<string, number>();

  indexOf(shape: EpilogueShape): number {
    const key = JSON.stringify(shape);
    const known = this.#indices.get(key);
    if (known !== undefined) return known;
    const index = this.shapes.push(shape) - 1;
    this.#indices.set(key, index);
    return index;
  }
}

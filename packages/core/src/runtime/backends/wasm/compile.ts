import type { Program, ProgramTensors } from "../../../program/types.js";
import type { BinaryConvForm, ImageLayout } from "./binary-conv.js";
import type { EpilogueShape } from "./codegen/epilogue-shape.js";
import { compileStep } from "./compile-step.js";
import {
  type CompiledStep,
  encodeInstruction,
  type Instruction,
  type StepPart,
} from "./instruction.js";
import { joinPools } from "./joined-pools.js";
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
  given: Program,
  tensors: ProgramTensors,
  {
    blockBytes = 16_384,
    convPixels = 56,
    parallelElements = 4096,
    form,
    ...memory
  }: PlanOptions = {},
): CompiledProgram {
  const { program, halved } = joinPools(given);
  const plan = new MemoryPlan(memory);
  const layouts = layOutValues(program, plan);
  const epilogues = new Epilogues();
  const kernels: string[] = [];
  const pairedImages = new Map<string, ImageLayout>();
  const placed = program.steps.map((_, index) => {
    const sizes = { blockBytes, convPixels, parallelElements, threads: memory.threads ?? 1 };
    const made = { plan, layouts, halved, pairedImages };
    const step = compileStep({ program, tensors, index, form, ...made, ...sizes });
    kernels.push(step.kernel);
    return placeStep(plan, step, epilogues);
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
  const place = (list: readonly Instruction[]) =>
    list.length > 0 ? placeList(plan, list, rows, width) : undefined;
  const part = ({ begin, body, epilogue }: StepPart): PlacedPart => {
    const lists = { begin: place(begin), list: place(body) };
    if (!epilogue) return lists;
    const { shape, table } = epilogue;
    return { ...lists, epilogue: { index: epilogues.indexOf(shape), table } };
  };
  const only = (body: readonly Instruction[] = []) => [part({ begin: [], body })];
  const once = { rows, blockRows: rows, rowMultiple: 1, parallel: false };
  const own = { rows: before?.rows ?? 0, rowMultiple: 1, parallel: before?.parallel ?? false };
  const phases: PlacedPhase[] = [
    { ...once, parts: only(step.prologue) },
    { ...own, blockRows: own.rows, parts: only(before?.instructions) },
    { rows, blockRows, rowMultiple, parallel, parts: step.parts.map(part) },
    { ...once, parts: only(step.finish) },
  ];
  return phases.filter(({ parts: [part] }) => part.begin || part.list || part.epilogue);
}

function phaseTable({ parts, ...phase }: PlacedPhase): Phase {
  return { ...phase, parts: parts.map(partTable) };
}

function partTable({ begin, list, epilogue }: PlacedPart): PhasePart {
  const code = epilogue && { ...epilogue, table: addressOf(epilogue.table) };
  return { begin: begin && listTable(begin), list: list && listTable(list), epilogue: code };
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

  indexOf(shape: EpilogueShape): number {
    const key = JSON.stringify(shape);
    const known = this.#indices.get(key);
    if (known !== undefined) return known;
    const index = this.shapes.push(shape) - 1;
    this.#indices.set(key, index);
    return index;
  }
}

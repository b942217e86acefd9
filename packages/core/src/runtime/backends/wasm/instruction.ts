import { OPS, type Op, type Records } from "./agreed.js";
import type { EpilogueShape } from "./codegen/epilogue-shape.js";
import { at, type Field, type Place } from "./memory-plan.js";

/** Where an instruction finds or leaves its pixels: see kernels/instruction.ts. Strides in bytes. */
export interface Operand {
  readonly place: Place;
  readonly pixel: number;
  readonly advance: number;
}

export interface Instruction {
  readonly op: Op;
  readonly channels: number;
  readonly dst?: Operand;
  readonly a?: Operand;
  readonly s?: Field;
  readonly t?: Field;
  readonly u?: number;
}

/** Instructions that can run on any rows of something, in any order. */
export interface RowInstructions {
  readonly instructions: readonly Instruction[];
  readonly rows: number;
  /** Enough work to share. */
  readonly parallel: boolean;
}

/** What runs on rows, for some or all channels. */
export interface StepPart {
  /** On all rows that a thread takes, before the first block of them. */
  readonly begin: readonly Instruction[];
  /** Per block. */
  readonly body: readonly Instruction[];
  /** Generated code, after the body. */
  readonly epilogue?: { readonly shape: EpilogueShape; readonly table: Place };
}

export interface CompiledStep {
  readonly rows: number;
  readonly width: number;
  readonly blockRows: number;
  /** A thread takes a multiple of so many rows. */
  readonly rowMultiple: number;
  /** Run once, on rows of their own, per block of rows, once. */
  readonly prologue: readonly Instruction[];
  readonly before?: RowInstructions;
  /** Ranges of channels, which can run side by side: one where threads share the rows. */
  readonly parts: readonly StepPart[];
  readonly finish: readonly Instruction[];
  /** What runs it, for people. */
  readonly kernel: string;
  /** Enough work to share. */
  readonly parallel: boolean;
}

/** Adds an instruction's fields. */
export function encodeInstruction(fields: Field[], i: Instruction, rows: number, width: number) {
  const head = [OPS.indexOf(i.op), i.channels, rows, width] as const;
  const rest = [i.s ?? 0, i.t ?? 0, i.u ?? 0] as const;
  const all: Records["Instruction"] = [...head, ...operand(i.dst), ...operand(i.a), ...rest];
  fields.push(...all);
}

function operand(given: Operand | undefined): readonly [Field, number, number] {
  return given ? [given.place, given.pixel, given.advance] : [0, 0, 0];
}

/** The operand from a later channel on. */
export function fromChannel(operand: Operand, channel: number): Operand {
  return { ...operand, place: at(operand.place, channel * 4) };
}

/** Bytes of a pixel whose channels are filled up to whole vectors of 4. */
export function vectorBytes(channels: number): number {
  return Math.ceil(channels / 4) * 16;
}

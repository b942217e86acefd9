import { type MapShape, outputShape } from "../../../program/geometry.js";
import type { Program, ProgramTensors, Step } from "../../../program/types.js";
import { compileBinaryConv } from "./binary-conv.js";
import { compileEpilogue } from "./epilogue.js";
import { compileConv, compileLinear, compilePool } from "./float-kernels.js";
import { type CompiledStep, type Instruction, type Operand, vectorBytes } from "./instruction.js";
import type { MemoryPlan } from "./memory-plan.js";
import { bitsOperand, sourceOperand, type ValueLayout, valuesWritten } from "./value-layout.js";

export interface StepInput {
  readonly program: Program;
  readonly tensors: ProgramTensors;
  readonly plan: MemoryPlan;
  readonly layouts: readonly ValueLayout[];
  readonly index: number;
  readonly blockBytes: number;
}

export function compileStep(input: StepInput): CompiledStep {
  const { program, index, layouts } = input;
  const step = program.steps[index];
  const shape = outputShape(program, step);
  const blockRows = rowsPerBlock(shape, input.blockBytes);
  const source = layouts[step.input];
  const inPlace = step.kind === "pointwise" && source.value.kind !== "bits";
  const accumulator = inPlace ? sourceOperand(source) : undefined;
  const { epilogue } = step;
  const compiled = compileEpilogue({ ...input, shape, blockRows, epilogue, accumulator });
  const kernel = compileKernel(input, step, shape, blockRows, compiled.accumulator);
  return {
    rows: shape[0],
    width: shape[1],
    blockRows,
    prologue: [...clears(input, step), ...kernel.prologue],
    body: [...kernel.body, ...compiled.body],
    finish: compiled.finish,
  };
}

function rowsPerBlock([height, width, channels]: MapShape, blockBytes: number): number {
  const rows = Math.floor(blockBytes / (width * vectorBytes(channels)));
  return Math.min(height, Math.max(1, rows));
}

interface Kernel {
  readonly prologue: readonly Instruction[];
  readonly body: readonly Instruction[];
}

/** The instructions that leave a block of the accumulator at `dst`. */
function compileKernel(
  { plan, tensors, layouts, index }: StepInput,
  step: Step,
  shape: MapShape,
  blockRows: number,
  dst: Operand,
): Kernel {
  const source = layouts[step.input];
  const only = (body: Instruction): Kernel => ({ prologue: [], body: [body] });
  const floats = (key: string) => tensors[key].data as Float32Array;
  switch (step.kind) {
    case "binary-conv": {
      const weight = tensors[step.weight].data as Uint8Array;
      const input = { plan, step, index, weight, source, shape, blockRows };
      const { prologue, body } = compileBinaryConv(input, dst);
      return { prologue, body: [body] };
    }
    case "conv":
      return only(compileConv(plan, step, floats(step.weight), source, dst));
    case "linear":
      return only(compileLinear(plan, step, floats(step.weight), source, dst));
    case "pool":
      return only(compilePool(plan, step, source, shape, dst));
    case "pointwise":
      if (source.value.kind !== "bits") return { prologue: [], body: [] };
      return only({ op: "loadBits", channels: shape[2], a: bitsOperand(source), dst });
    default:
      return step satisfies never;
  }
}

/** Bits are or-ed in: the first step that writes a value clears it. */
function clears({ layouts, index }: StepInput, step: Step): Instruction[] {
  return [...new Set(valuesWritten(step))]
    .map((id) => layouts[id])
    .filter(({ value, place }) => value.kind === "bits" && place.block.first === index)
    .map(({ place, bytes, value }) => {
      const dst = { place, pixel: 0, advance: 0 };
      return { op: "clear", channels: value.shape[2], dst, u: bytes };
    });
}

import { elementCount, type MapShape, outputShape } from "../../../program/geometry.js";
import type { Program, ProgramTensors, Step } from "../../../program/types.js";
import {
  type BinaryConvForm,
  chooseForm,
  compileBinaryConv,
  type ImageLayout,
} from "./binary-conv.js";
import { compileEpilogue } from "./epilogue.js";
import { compileConv, compileLinear, compilePool } from "./float-kernels.js";
import {
  type CompiledStep,
  type Instruction,
  type Operand,
  type RowInstructions,
  vectorBytes,
} from "./instruction.js";
import type { MemoryPlan } from "./memory-plan.js";
import { compileQuantise } from "./quantise.js";
import type { ValueLayout } from "./value-layout.js";

export interface StepInput {
  readonly program: Program;
  readonly tensors: ProgramTensors;
  readonly plan: MemoryPlan;
  readonly layouts: readonly ValueLayout[];
  readonly index: number;
  readonly blockBytes: number;
  readonly convPixels: number;
  readonly parallelElements: number;
  readonly form?: BinaryConvForm;
  readonly pairedImages: Map<string, ImageLayout>;
}

export function compileStep(input: StepInput): CompiledStep {
  const { program, index, layouts } = input;
  const step = program.steps[index];
  const shape = outputShape(program, step);
  const blockRows = rowsPerBlock(
    shape,
    input.blockBytes,
    step.kind === "binary-conv" ? input.convPixels : 1,
  );
  const accumulator = step.kind === "pointwise" ? layouts[step.input] : undefined;
  const { epilogue } = step;
  input.plan.beginStep();
  const compiled = compileEpilogue({ ...input, shape, blockRows, epilogue, accumulator });
  const kernel = compileKernel(input, step, shape, blockRows, compiled.accumulator);
  return {
    rows: shape[0],
    width: shape[1],
    blockRows,
    prologue: [...clears(input, step), ...compiled.prologue, ...kernel.prologue],
    before: kernel.before,
    body: kernel.body,
    finish: compiled.finish,
    epilogue: compiled.code,
    kernel: kernel.name,
    parallel: isParallel(shape, input.parallelElements),
  };
}

function isParallel(shape: MapShape, elements: number): boolean {
  return shape[0] > 1 && elementCount(shape) >= elements;
}

/** As many rows as fit into the bytes wanted, but at least so many pixels. */
function rowsPerBlock([height, width, channels]: MapShape, bytes: number, pixels: number): number {
  const fitting = Math.floor(bytes / (width * vectorBytes(channels)));
  return Math.min(height, Math.max(fitting, Math.ceil(pixels / width)));
}

const FORM_NAMES: { readonly [F in BinaryConvForm]: string } = {
  popcount: "popcount 4x8",
  lookup: "nibble lookup 4x32",
};

interface Kernel {
  readonly name: string;
  readonly prologue: readonly Instruction[];
  readonly before?: RowInstructions;
  readonly body: readonly Instruction[];
}

/** The instructions that leave a block of the accumulator at `dst`. */
function compileKernel(
  { plan, tensors, layouts, index, form, pairedImages, parallelElements }: StepInput,
  step: Step,
  shape: MapShape,
  blockRows: number,
  dst: Operand,
): Kernel {
  const source = layouts[step.input];
  const only = (name: string, body: Instruction): Kernel => ({ name, prologue: [], body: [body] });
  const floats = (key: string) => tensors[key].data as Float32Array;
  switch (step.kind) {
    case "binary-conv": {
      const weight = tensors[step.weight].data as Uint8Array;
      const parallel = isParallel(shape, parallelElements);
      const geometry = { source, shape, blockRows, parallel };
      const input = { plan, step, index, weight, pairedImages, ...geometry };
      const chosen = chooseForm(step, source.value.shape[2], form);
      const { body, ...rest } = compileBinaryConv(input, chosen, dst);
      return { name: FORM_NAMES[chosen], ...rest, body: [body] };
    }
    case "conv":
      return only("float32 4x8", compileConv(plan, step, floats(step.weight), source, dst));
    case "linear":
      return {
        name: "float32 1x32",
        prologue: [],
        before: compileLinear(plan, step, floats(step.weight), source, dst),
        body: [],
      };
    case "pool":
      return only("float32", compilePool(plan, step, source, shape, dst));
    case "quantise":
      return { name: "grid", ...compileQuantise(plan, step, index, source, dst) };
    case "pointwise":
      return { name: "generated", prologue: [], body: [] };
    default:
      return step satisfies never;
  }
}

/** Bits are or-ed in: the first step that writes a value clears it. */
function clears({ layouts, index }: StepInput, step: Step): Instruction[] {
  const written = step.epilogue.flatMap((op) => (op[0] === "bits" ? [op[3]] : []));
  return [...new Set(written)]
    .map((id) => layouts[id])
    .filter(({ place }) => place.block.first === index)
    .map(({ place, bytes, value }) => {
      const dst = { place, pixel: 0, advance: 0 };
      return { op: "clear", channels: value.shape[2], dst, u: bytes };
    });
}

import {
  elementCount,
  type MapShape,
  outputShape,
  reductionLength,
} from "../../../program/geometry.js";
import type { Program, ProgramTensors, Step } from "../../../program/types.js";
import { compileBinaryConv, type ImageLayout } from "./binary-conv.js";
import { channelRanges, type OutputRange } from "./channel-ranges.js";
import { compileEpilogue } from "./epilogue.js";
import {
  compileConv,
  compileLinear,
  compilePool,
  compileShuffle,
  isLargeLinear,
} from "./float-kernels.js";
import {
  type CompiledStep,
  type Instruction,
  type RowInstructions,
  vectorBytes,
} from "./instruction.js";
import { type BinaryConvKernel, chooseKernel, type KernelWishes } from "./kernel-choice.js";
import type { MemoryPlan } from "./memory-plan.js";
import { compileQuantise } from "./quantise.js";
import type { ValueLayout } from "./value-layout.js";

/** What all steps of a program have in common. */
export interface ProgramInput {
  readonly program: Program;
  readonly tensors: ProgramTensors;
  readonly plan: MemoryPlan;
  readonly layouts: readonly ValueLayout[];
  readonly blockBytes: number;
  readonly convPixels: number;
  readonly parallelElements: number;
  readonly threads: number;
  readonly kernels: KernelWishes;
  readonly pairedImages: Map<string, ImageLayout>;
}

export function compileStep(input: ProgramInput, step: Step, index: number): CompiledStep {
  const { program, plan, layouts, tensors, threads } = input;
  const shape = outputShape(program, step);
  const blockRows = rowsPerBlock(shape, input.blockBytes, leastPixels(input, step));
  const accumulator = step.kind === "pointwise" ? layouts[step.input] : undefined;
  const { epilogue, kind } = step;
  const moves = kind === "pool" || kind === "shuffle";
  const bits = moves && layouts[step.input].value.kind === "bits";
  const parallel = isParallel(input, step, shape);
  const ranges = channelRanges({ step, shape, blockRows, threads: parallel ? threads : 1 });
  plan.beginStep();
  const given = { plan, layouts, tensors, index, shape, blockRows, epilogue, accumulator, bits };
  const compiled = ranges.map((channels) => compileEpilogue(given, channels));
  const outputs = ranges.map(({ first, count }, i) => {
    return { first, count, dst: compiled[i].accumulator };
  });
  const kernel = compileKernel(input, step, { index, shape, blockRows, parallel }, outputs);
  const cleared = clears(input, step, index);
  const shared = ranges.length > 1;
  return {
    rows: shape[0],
    width: shape[1],
    blockRows,
    rowMultiple: storesMeans(step) ? 2 : 1,
    // Ranges of channels have all rows each: one of them would clear what another writes.
    prologue: shared ? [...cleared, ...kernel.prologue] : kernel.prologue,
    before: kernel.before,
    parts: compiled.map(({ begin, code }, i) => ({
      begin: shared || cleared.length === 0 ? begin : [...cleared, ...begin],
      body: kernel.bodies[i] ?? [],
      epilogue: code,
    })),
    finish: compiled.flatMap(({ finish }) => finish),
    kernel: kernel.name,
    parallel,
  };
}

/** Half sums of a row lie with the means until the next row: one thread adds both. */
function storesMeans({ epilogue }: Step): boolean {
  return epilogue.some((op) => op[0] === "mean-2x2");
}

function isParallel(
  { layouts, parallelElements }: ProgramInput,
  step: Step,
  shape: MapShape,
): boolean {
  if (step.kind === "linear") return isLargeLinear(step, layouts[step.input].value.shape[2]);
  return shape[0] > 1 && elementCount(shape) >= parallelElements;
}

/**
 * Of a block. Where a convolution has at least twice as many outputs as a window has inputs, its
 * accumulators are more to move than its weights: half as many.
 */
function leastPixels({ layouts, convPixels }: ProgramInput, step: Step): number {
  if (step.kind !== "binary-conv") return 1;
  const window = reductionLength(step, layouts[step.input].value.shape[2]);
  return step.out < 2 * window ? convPixels : convPixels / 2;
}

/** As many rows as fit into the bytes wanted, but at least so many pixels. */
function rowsPerBlock([height, width, channels]: MapShape, bytes: number, pixels: number): number {
  const fitting = Math.floor(bytes / (width * vectorBytes(channels)));
  return Math.min(height, Math.max(fitting, Math.ceil(pixels / width)));
}

const KERNEL_NAMES: { readonly [K in BinaryConvKernel]: string } = {
  scalar: "scalar 2x2",
  popcount: "popcount 4x8",
  lookup: "lookup 4x32",
  depthwise: "depthwise 1x32",
};

/** Of a step's accumulator: how it is dealt out. */
interface Blocks {
  readonly index: number;
  readonly shape: MapShape;
  readonly blockRows: number;
  readonly parallel: boolean;
}

interface Kernel {
  readonly name: string;
  readonly prologue: readonly Instruction[];
  readonly before?: RowInstructions;
  /** Of each range of channels, or of all; none where the accumulator is there already. */
  readonly bodies: readonly (readonly Instruction[])[];
}

/** The instructions that leave a block of the accumulator where the ranges of outputs say. */
function compileKernel(
  { plan, tensors, layouts, kernels, pairedImages }: ProgramInput,
  step: Step,
  { index, shape, blockRows, parallel }: Blocks,
  outputs: readonly OutputRange[],
): Kernel {
  const source = layouts[step.input];
  const [{ dst }] = outputs;
  const only = (name: string, body: Instruction): Kernel => {
    return { name, prologue: [], bodies: [[body]] };
  };
  const floats = (key: string) => tensors[key].data as Float32Array;
  switch (step.kind) {
    case "binary-conv": {
      const weight = tensors[step.weight].data as Uint8Array;
      const blocks = { source, shape, blockRows, parallel };
      const input = { plan, step, index, weight, pairedImages, ...blocks };
      const chosen = chooseKernel(step, source.value.shape, kernels);
      const { prologue, before, bodies } = compileBinaryConv(input, chosen, outputs);
      return { name: KERNEL_NAMES[chosen], prologue, before, bodies: bodies.map((body) => [body]) };
    }
    case "conv":
      return only("float32 4x8", compileConv(plan, step, floats(step.weight), source, dst));
    case "linear": {
      const linears = compileLinear(plan, step, floats(step.weight), source, outputs);
      return {
        name: "float32 1x32",
        prologue: [],
        bodies: linears.map((linear) => [linear]),
      };
    }
    case "pool":
      return only("float32", compilePool(plan, step, source, shape, dst));
    case "quantise": {
      const { prologue, body } = compileQuantise(plan, step, index, source, dst);
      return { name: "grid", prologue, bodies: [body] };
    }
    case "shuffle":
      return only("shuffle", compileShuffle(plan, step, source, dst));
    case "pointwise":
      return { name: "generated", prologue: [], bodies: [] };
    default:
      return step satisfies never;
  }
}

/** Bits are or-ed in: the first step that writes a value clears it. */
function clears({ layouts }: ProgramInput, { epilogue }: Step, index: number): Instruction[] {
  const cleared = new Set<ValueLayout>();
  for (const op of epilogue) {
    if (op[0] === "bits" && layouts[op[3]].place.block.first === index) cleared.add(layouts[op[3]]);
  }
  return Array.from(cleared, ({ place, rowBytes, border, value }) => {
    const dst = { place, pixel: 0, advance: rowBytes };
    return { op: "clear", channels: value.shape[2], dst, u: border[0] };
  });
}

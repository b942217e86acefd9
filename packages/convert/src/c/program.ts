import type { Program, ProgramTensors, Step } from "onebit/program";
import { outputShape, programCost } from "onebit/program";
import { noInteger } from "../integer/no-integer.js";
import type { IntegerProgram, IntegerStep } from "../integer/types.js";
import { type Arena, floatBytes, int16Bytes, planArena } from "./arena.js";
import { binaryConv, binaryConvScratch } from "./binary-conv.js";
import type { Context, Helper } from "./context.js";
import { FloatContext } from "./float-context.js";
import { FloatEpilogue } from "./float-epilogue.js";
import { meansScratch } from "./float-means.js";
import {
  conv,
  convScratch,
  linear,
  pointwise,
  pool,
  quantise,
  quantiseScratch,
  shuffle,
} from "./float-steps.js";
import { IntegerContext } from "./integer-context.js";
import { IntegerEpilogue, integerEpilogueScratch } from "./integer-epilogue.js";
import {
  hasWideAccumulator,
  integerConv,
  integerConvScratch,
  integerLinear,
  integerPointwise,
  integerPool,
  integerQuantise,
  integerQuantiseScratch,
} from "./integer-steps.js";
import { SUPPORT } from "./support.js";
import { Code, comment } from "./text.js";

/** A program's steps as C. */
export interface ProgramCode {
  /** Constants, helpers, the arena, a function for each step, and `compute`, which runs them. */
  readonly text: string;
  readonly arena: Arena;
  /** Of weights and tables, by step. */
  readonly constantBytes: readonly number[];
}

/** In float32, with the reference's bits. */
export function programCode(program: Program, tensors: ProgramTensors): ProgramCode {
  const scratch = program.steps.map((step) => floatScratch(program, step));
  const arena = planArena(program, { scratch: scratch.map(total), bytes: floatBytes });
  const context = new FloatContext(program, tensors, arena);
  return assemble(context, (code, step, i) => {
    const places = placesOf(arena, i, scratch[i]);
    const body = new FloatEpilogue(context, step, places.epilogue);
    floatKernel(code, context, step, body, places.kernel);
  });
}

/** In whole numbers. */
export function integerProgramCode(integers: IntegerProgram, tensors: ProgramTensors): ProgramCode {
  const { program } = integers;
  const scratch = integers.steps.map((step) => integerScratch(program, step));
  const elsewhere = integers.image ? [program.input] : [];
  const arena = planArena(program, { scratch: scratch.map(total), bytes: int16Bytes, elsewhere });
  const context = new IntegerContext(integers, tensors, arena);
  return assemble(context, (code, _, i) => {
    const step = integers.steps[i];
    const { kernel, epilogue } = placesOf(arena, i, scratch[i]);
    const wideAccumulator = hasWideAccumulator(step);
    const body = new IntegerEpilogue(context, step, i, { scratch: epilogue, wideAccumulator });
    integerKernel(code, context, step, body, kernel);
  });
}

/** Words of a step's own; those of the epilogue, which may have doubles, come first. */
interface Scratch {
  readonly kernel: number;
  readonly epilogue: number;
}

const total = ({ kernel, epilogue }: Scratch) => kernel + epilogue;

const placesOf = ({ scratch }: Arena, i: number, { epilogue }: Scratch): Scratch => ({
  epilogue: scratch[i],
  kernel: scratch[i] + epilogue,
});

function floatScratch(program: Program, step: Step): Scratch {
  const [, , inputs] = program.values[step.input].shape;
  const epilogue = meansScratch(step, outputShape(program, step)[2]);
  switch (step.kind) {
    case "binary-conv":
      return { kernel: binaryConvScratch(step, inputs), epilogue };
    case "conv":
      return { kernel: convScratch(step, inputs), epilogue };
    case "quantise":
      return { kernel: quantiseScratch(step, inputs), epilogue };
    default:
      return { kernel: 0, epilogue };
  }
}

function integerScratch(program: Program, integer: IntegerStep): Scratch {
  const { step } = integer;
  const [, , inputs] = program.values[step.input].shape;
  const epilogue = integerEpilogueScratch(integer, outputShape(program, step)[2]);
  switch (step.kind) {
    case "binary-conv":
      return { kernel: binaryConvScratch(step, inputs), epilogue };
    case "conv":
      return { kernel: integerConvScratch(step, inputs), epilogue };
    case "quantise":
      return { kernel: integerQuantiseScratch(step, inputs), epilogue };
    default:
      return { kernel: 0, epilogue };
  }
}

function floatKernel(
  code: Code,
  context: FloatContext,
  step: Step,
  body: FloatEpilogue,
  scratch: number,
): void {
  switch (step.kind) {
    case "binary-conv":
      binaryConv(code, context, step, body, scratch);
      return;
    case "conv":
      conv(code, context, step, body, scratch);
      return;
    case "linear":
      linear(code, context, step, body);
      return;
    case "pool":
      pool(code, context, step, body);
      return;
    case "pointwise":
      pointwise(code, context, step, body);
      return;
    case "quantise":
      quantise(code, context, step, body, scratch);
      return;
    case "shuffle":
      shuffle(code, context, step, body);
      return;
    default:
      step satisfies never;
  }
}

function integerKernel(
  code: Code,
  context: IntegerContext,
  integer: IntegerStep,
  body: IntegerEpilogue,
  scratch: number,
): void {
  const { step } = integer;
  switch (step.kind) {
    case "binary-conv":
      binaryConv(code, context, step, body, scratch);
      return;
    case "conv":
      integerConv(code, context, { ...integer, step }, body, scratch);
      return;
    case "linear":
      integerLinear(code, context, { ...integer, step }, body);
      return;
    case "pool":
      integerPool(code, context, { ...integer, step }, body);
      return;
    case "pointwise":
      integerPointwise(code, context, step, body);
      return;
    case "quantise":
      integerQuantise(code, context, { ...integer, step }, body, scratch);
      return;
    case "shuffle":
      throw noInteger(step);
    default:
      step satisfies never;
  }
}

function assemble(
  context: Context,
  kernel: (code: Code, step: Step, index: number) => void,
): ProgramCode {
  const { program, arena } = context;
  const costs = programCost(program).steps;
  const steps = program.steps.map((step, i) => {
    const code = new Code();
    context.step = i;
    const { binaryMacs } = costs[i];
    const work = binaryMacs ? `; ${binaryMacs} multiply-adds of 1 bit` : "";
    const layers = step.covers.join(", ") || "part of the program";
    code.line(comment(`${i}, ${step.kind}: ${layers}${work}`));
    code.line(`static void step_${i}(void)`);
    code.block("", () => kernel(code, step, i));
    return code.toString();
  });
  const { declarations, functions, constantBytes } = context;
  const helpers = HELPERS.filter((name) => context.helpers.has(name)).map((name) => SUPPORT[name]);
  const calls = program.steps.flatMap((_, i) => [`  step_${i}();`, `  AFTER_STEP(${i})`]);
  const compute = ["static void compute(void)", "{", ...calls, "}"].join("\n");
  const parts = [
    AFTER_STEP,
    ...declarations,
    ...helpers,
    ...functions,
    ARENA(arena.words, context.types),
  ];
  return { text: [...parts, ...steps, compute].join("\n\n"), arena, constantBytes };
}

/** In the order in which they call each other. */
const HELPERS = Object.keys(SUPPORT) as Helper[];

const AFTER_STEP = `/* Something to do after each step, such as reading a counter: a statement. */
#ifndef AFTER_STEP
#define AFTER_STEP(step)
#endif`;

/** Numbers as the steps see them: uint32_t for bits, and what the arithmetic has. */
const ARENA = (words: number, types: Context["types"]) => {
  const size = 4 * Math.max(1, words);
  const members = Object.entries({ w: "uint32_t", ...types }).map(
    ([name, type]) => `  ${type} ${name}[${Math.ceil(size / BYTES[type])}];`,
  );
  return ["static union {", ...members, "} arena;"].join("\n");
};

const BYTES: { readonly [type: string]: number } = {
  ...{ uint32_t: 4, int32_t: 4, float: 4, uint16_t: 2, int16_t: 2, double: 8, int64_t: 8 },
};

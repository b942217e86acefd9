import { OnebitError } from "../errors.js";
import { checkEpilogue } from "./check-epilogue.js";
import { checkTensors, requireTensor } from "./check-tensors.js";
import {
  elementCount,
  type MapShape,
  outputShape,
  packedRowBytes,
  reductionLength,
} from "./geometry.js";
import { float32Only } from "./map-types.js";
import { MAX_QUANTISED_BITS } from "./quantiser.js";
import type {
  Program,
  ProgramTensors,
  ProgramValue,
  QuantiseStep,
  Step,
  ValueId,
} from "./types.js";
import { ValueLedger } from "./value-ledger.js";

/** Nobody's network reaches these; they bound what a forged file can make a backend allocate. */
const MAX_STEPS = 100_000;
const MAX_ELEMENTS = 2 ** 26;
const MAX_TOTAL_ELEMENTS = 2 ** 29;
const MAX_GEOMETRY = 4096;
/** Above this an accumulator would not be exact in float32. */
const MAX_REDUCTION = 2 ** 24;

/**
 * Throws OnebitError unless every backend can run this program: each id, shape, kind and tensor
 * fits, each value is written exactly once and read only afterwards. Backends rely on it.
 */
export function checkProgram(program: Program, tensors: ProgramTensors): void {
  checkValues(program);
  checkTensors(tensors);
  const ledger = new ValueLedger(program);
  if (program.steps.length > MAX_STEPS) {
    throw new OnebitError(
      `program: ${program.steps.length} steps, at most ${MAX_STEPS} are allowed`,
    );
  }
  program.steps.forEach((step, index) => {
    const where = describeStep(step, index);
    ledger.startStep(where);
    checkStep(program, tensors, step, ledger, where);
    ledger.endStep();
  });
  ledger.checkComplete();
  checkOutputs(program);
  checkMapTypes(program);
}

function describeStep(step: Step, index: number): string {
  const covers = Array.isArray(step.covers) && step.covers.length ? `, ${step.covers[0]}` : "";
  return `step ${index} (${step.kind}${covers})`;
}

function checkValues({ values, input }: Program): void {
  const names = new Set<string>();
  let total = 0;
  for (const value of values) {
    checkValue(value);
    if (names.has(value.name)) throw new OnebitError(`value "${value.name}": defined twice`);
    names.add(value.name);
    total += elementCount(value.shape);
  }
  if (total > MAX_TOTAL_ELEMENTS) {
    throw new OnebitError(
      `program: values hold ${total} elements, at most ${MAX_TOTAL_ELEMENTS} are allowed`,
    );
  }
  if (values[input]?.kind !== "map") {
    throw new OnebitError(`program: input ${input} must be the index of a map`);
  }
}

function checkValue({ name, kind, shape, type }: ProgramValue): void {
  if (typeof name !== "string" || name === "") {
    throw new OnebitError(`program: a value's name must be a non-empty string, is ${name}`);
  }
  if (kind !== "map" && kind !== "bits" && kind !== "vector") {
    throw new OnebitError(`value "${name}": unknown kind "${kind}"`);
  }
  if (type !== undefined && type !== "bfloat16") {
    throw new OnebitError(`value "${name}": unknown type "${type}"; there is bfloat16, or none`);
  }
  const sound =
    Array.isArray(shape) && shape.length === 3 && shape.every((d) => Number.isInteger(d) && d > 0);
  if (!sound || elementCount(shape) > MAX_ELEMENTS) {
    throw new OnebitError(
      `value "${name}": shape [${shape}] must be three positive whole numbers with a product of at most ${MAX_ELEMENTS}`,
    );
  }
  if (kind === "vector" && (shape[0] !== 1 || shape[1] !== 1)) {
    throw new OnebitError(`value "${name}": a vector has shape [1, 1, C], this one has [${shape}]`);
  }
}

function checkStep(
  program: Program,
  tensors: ProgramTensors,
  step: Step,
  ledger: ValueLedger,
  where: string,
): void {
  if (!Array.isArray(step.covers) || !step.covers.every((name) => typeof name === "string")) {
    throw new OnebitError(`${where}: covers must be a list of names`);
  }
  ledger.checkReadable(step.input, "input");
  const input = program.values[step.input];
  checkInputKind(step, input, where);
  checkGeometry(step, input.shape[2], where);
  const shape = outputShape(program, step);
  if (shape.some((dim) => dim < 1) || elementCount(shape) > MAX_ELEMENTS) {
    throw new OnebitError(
      `${where}: its output would be [${shape}] for an input of [${input.shape}]`,
    );
  }
  checkWeight(step, input, tensors, where);
  checkEpilogue({ program, tensors, step, shape, ledger, where });
}

function checkInputKind(step: Step, input: ProgramValue, where: string): void {
  const fits = (): boolean => {
    switch (step.kind) {
      case "binary-conv":
        return input.kind === "bits";
      case "conv":
      case "pool":
      case "quantise":
        return input.kind !== "bits";
      case "linear":
        return input.kind === "vector";
      case "pointwise":
        return true;
      default:
        step satisfies never;
        return false;
    }
  };
  if (!fits())
    throw new OnebitError(`${where}: cannot read ${input.kind} "${input.name}" as its input`);
}

function checkGeometry(step: Step, channels: number, where: string): void {
  if (step.kind === "pointwise") return;
  if (step.kind === "quantise") {
    checkQuantiser(step, where);
    return;
  }
  if (step.kind !== "pool") checkCount(step.out, "out", where, 2 ** 24);
  if (step.kind === "linear") return;
  for (const axis of [0, 1] as const) {
    checkCount(step.kernel[axis], "kernel", where);
    checkCount(step.stride[axis], "stride", where);
    const padding = step.padding[axis];
    if (!Number.isInteger(padding) || padding < 0 || padding > MAX_GEOMETRY) {
      throw new OnebitError(
        `${where}: padding ${padding} must be a whole number from 0 to ${MAX_GEOMETRY}`,
      );
    }
    if (step.kind === "pool" && padding >= step.kernel[axis]) {
      throw new OnebitError(
        `${where}: padding ${padding} leaves windows of ${step.kernel[axis]} empty`,
      );
    }
  }
  if (step.kind === "pool") {
    if (step.mode === "max" || step.mode === "average") return;
    throw new OnebitError(`${where}: mode must be max or average, is "${step.mode}"`);
  }
  checkCount(step.groups, "groups", where, channels);
  if (channels % step.groups || step.out % step.groups) {
    throw new OnebitError(
      `${where}: ${channels} input and ${step.out} output channels do not split into ${step.groups} groups`,
    );
  }
  if (reductionLength(step, channels) > MAX_REDUCTION) {
    throw new OnebitError(`${where}: more than ${MAX_REDUCTION} products per output`);
  }
  if (step.kind === "binary-conv" && ![0, 1, -1].includes(step.padValue)) {
    throw new OnebitError(`${where}: padValue must be 0, 1 or -1, is ${step.padValue}`);
  }
}

function checkQuantiser({ bits, clip, group }: QuantiseStep, where: string): void {
  checkCount(bits, "bits", where, MAX_QUANTISED_BITS);
  if (!(clip > 0 && Number.isFinite(clip) && Math.fround(clip) === clip)) {
    throw new OnebitError(`${where}: clip must be a positive float32 number, is ${clip}`);
  }
  if (group === "image" || group === "channel") return;
  throw new OnebitError(`${where}: group must be image or channel, is "${group}"`);
}

function checkCount(value: number, what: string, where: string, max = MAX_GEOMETRY): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return;
  throw new OnebitError(`${where}: ${what} ${value} must be a whole number from 1 to ${max}`);
}

function checkWeight(
  step: Step,
  { shape: [, , channels] }: { shape: MapShape },
  tensors: ProgramTensors,
  where: string,
): void {
  switch (step.kind) {
    case "pool":
    case "pointwise":
    case "quantise":
      return;
    case "linear":
      requireTensor(tensors, step.weight, "float32", [step.out, channels], where);
      return;
    case "conv": {
      const shape = [step.out, ...step.kernel, channels / step.groups];
      requireTensor(tensors, step.weight, "float32", shape, where);
      return;
    }
    case "binary-conv": {
      const row = packedRowBytes(step, channels);
      const weight = requireTensor(tensors, step.weight, "bits", [step.out, row], where);
      checkRowTails(weight.data as Uint8Array, row, reductionLength(step, channels), where);
      return;
    }
    default:
      step satisfies never;
  }
}

/** Bits after the last weight of a row are 0: kernels may read whole bytes. */
function checkRowTails(data: Uint8Array, row: number, bits: number, where: string): void {
  const used = bits % 8;
  if (used === 0) return;
  for (let end = row - 1; end < data.length; end += row) {
    if (data[end] >> used) {
      throw new OnebitError(`${where}: its weight has bits set after the end of a row`);
    }
  }
}

function checkOutputs({ outputs, values }: Program): void {
  const entries = Object.entries(outputs);
  if (entries.length === 0) throw new OnebitError("program: has no outputs");
  for (const [name, id] of entries) {
    const kind = values[id as ValueId]?.kind;
    if (kind !== "map" && kind !== "vector") {
      throw new OnebitError(`output "${name}": value ${id} is not a map or vector of this program`);
    }
  }
}

/** Backends round maps where epilogues store them, and nowhere else. */
function checkMapTypes(program: Program): void {
  const narrow = program.values.flatMap(({ type }, id) => (type === undefined ? [] : [id]));
  if (narrow.length === 0) return;
  const reasons = float32Only(program);
  for (const id of narrow) {
    const reason = reasons.get(id);
    if (reason === undefined) continue;
    throw new OnebitError(
      `value "${program.values[id].name}": cannot be bfloat16, it ${reason}; leave its type out`,
    );
  }
}

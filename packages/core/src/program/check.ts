import { OnebitError } from "../errors.js";
import { checkEpilogue } from "./check-epilogue.js";
import { checkTensors, requireTensor } from "./check-tensors.js";
import {
  elementCount,
  type MapShape,
  outputShape,
  packedRowBytes,
  paddingEnd,
  reductionLength,
  span,
} from "./geometry.js";
import {
  MAX_CONV_KERNEL,
  MAX_COVERS,
  MAX_ELEMENTS,
  MAX_NAME_LENGTH,
  MAX_OPS,
  MAX_OUTPUTS,
  MAX_POOL_KERNEL,
  MAX_REDUCTION,
  MAX_STEP_OPS,
  MAX_STEPS,
  MAX_TOTAL_ELEMENTS,
  MAX_VALUES,
  mostPadding,
} from "./limits.js";
import { float32Only } from "./map-types.js";
import { MAX_QUANTISED_BITS } from "./quantiser.js";
import type {
  BinaryConvStep,
  ConvStep,
  PadValue,
  PoolStep,
  Program,
  ProgramTensors,
  ProgramValue,
  QuantiseStep,
  ShuffleStep,
  Step,
  ValueId,
} from "./types.js";
import { ValueLedger } from "./value-ledger.js";

/**
 * Throws OnebitError unless every backend can run this program: each id, shape, kind and tensor
 * fits, each value is written exactly once and read only afterwards. Backends rely on it.
 */
export function checkProgram(program: Program, tensors: ProgramTensors): void {
  checkCounts(program);
  checkValues(program);
  checkTensors(tensors);
  const ledger = new ValueLedger(program);
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

function checkCounts({ steps, values, outputs }: Program): void {
  const ops = steps.reduce((sum, { epilogue }) => sum + epilogue.length, 0);
  const counts = [
    ["steps", steps.length, MAX_STEPS],
    ["values", values.length, MAX_VALUES],
    ["micro-ops", ops, MAX_OPS],
    ["outputs", Object.keys(outputs).length, MAX_OUTPUTS],
  ] as const;
  for (const [what, count, most] of counts) checkMost("program", count, what, most);
}

function checkMost(where: string, count: number, what: string, most: number): void {
  if (count > most)
    throw new OnebitError(`${where}: ${count} ${what}, at most ${most} are allowed`);
}

function describeStep({ kind, covers }: Step, index: number): string {
  const first = Array.isArray(covers) && covers.length ? `, ${covers[0]}` : "";
  return `step ${index} (${kind}${first})`;
}

function checkName(name: unknown, where: string): void {
  if (typeof name === "string" && name.length <= MAX_NAME_LENGTH) return;
  const what = typeof name === "string" ? `is ${name.length} characters long` : "is none";
  throw new OnebitError(`${where}: names have at most ${MAX_NAME_LENGTH} characters, this ${what}`);
}

function checkValues({ values, input }: Program): void {
  const names = new Set<string>();
  let total = 0;
  for (const value of values) {
    checkValue(value);
    if (names.has(value.name)) {
      throw new OnebitError(`value "${value.name}": defined twice`);
    }
    names.add(value.name);
    total += elementCount(value.shape);
  }
  checkMost("program", total, "elements of values", MAX_TOTAL_ELEMENTS);
  const kind = values[input]?.kind;
  if (kind !== "map" && kind !== "vector") {
    throw new OnebitError(`program: input ${input} must be the index of a map or vector`);
  }
}

function checkValue({ name, kind, shape, type }: ProgramValue): void {
  if (typeof name !== "string" || name === "") {
    throw new OnebitError(`program: a value's name must be a non-empty string, is ${name}`);
  }
  checkName(name, `value "${name}"`);
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
  checkMost(where, step.covers.length, "covered nodes", MAX_COVERS);
  for (const name of step.covers) checkName(name, where);
  checkMost(where, step.epilogue.length, "micro-ops", MAX_STEP_OPS);
  ledger.checkReadable(step.input, "input");
  const input = program.values[step.input];
  checkInputKind(step, input, where);
  checkGeometry(step, input, where);
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
      case "quantise":
        return input.kind !== "bits";
      case "pool":
        return input.kind !== "bits" || step.mode === "max";
      case "linear":
        return input.kind === "vector";
      case "pointwise":
      case "shuffle":
        return true;
      default:
        step satisfies never;
        return false;
    }
  };
  if (!fits())
    throw new OnebitError(`${where}: cannot read ${input.kind} "${input.name}" as its input`);
}

function checkGeometry(step: Step, input: ProgramValue, where: string): void {
  if (step.kind === "pointwise") return;
  if (step.kind === "quantise") {
    checkQuantiser(step, where);
    return;
  }
  if (step.kind !== "pool") checkCount(step.out, "out", where, 2 ** 24);
  if (step.kind === "linear") return;
  if (step.kind === "shuffle") {
    checkShuffle(step, input, where);
    return;
  }
  checkWindow(step, where);
  const channels = input.shape[2];
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
  checkMost(where, reductionLength(step, channels), "products per output", MAX_REDUCTION);
  if (step.kind === "binary-conv" && !PAD_VALUES.includes(step.padValue)) {
    throw new OnebitError(`${where}: padValue must be 0, 1, -1 or replicate, is ${step.padValue}`);
  }
}

const PAD_VALUES: readonly PadValue[] = [0, 1, -1, "replicate"];

function checkShuffle(
  { first, out, dealt, whole }: ShuffleStep,
  input: ProgramValue,
  where: string,
) {
  const { kind, shape } = input;
  const channels = whole ? elementCount(shape) : shape[2];
  checkCount(dealt, "dealt", where, channels);
  checkCount(first, "first", where, 2 ** 24, -(2 ** 24));
  const isInside = first >= 0 && first + out <= channels;
  if (channels % dealt === 0 && (isInside || kind !== "bits")) return;
  throw new OnebitError(
    `${where}: cannot read ${out} of ${channels} channels from ${first} on in ${dealt} groups`,
  );
}

function checkWindow(step: PoolStep | ConvStep | BinaryConvStep, where: string): void {
  const isPool = step.kind === "pool";
  const most = isPool ? MAX_POOL_KERNEL : MAX_CONV_KERNEL;
  for (const axis of [0, 1] as const) {
    checkCount(step.kernel[axis], "kernel", where, most);
    checkCount(step.stride[axis], "stride", where, most);
    if ("dilation" in step) checkCount(step.dilation![axis], "dilation", where, most);
    const kernel = span(step, axis);
    checkCount(kernel, "kernel", where, most);
    for (const padding of [step.padding[axis], paddingEnd(step)[axis]]) {
      if (isPool && padding >= kernel) {
        throw new OnebitError(`${where}: padding ${padding} leaves windows of ${kernel} empty`);
      }
      const why = ` for a kernel of ${kernel}: windows farther out see nothing but padding`;
      checkCount(padding, "padding", where, mostPadding(kernel), 0, why);
    }
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

function checkCount(
  value: number,
  what: string,
  where: string,
  max: number,
  min = 1,
  why = "",
): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new OnebitError(
    `${where}: ${what} ${value} must be a whole number from ${min} to ${max}${why}`,
  );
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
    case "shuffle":
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
    checkName(name, `output "${name}"`);
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

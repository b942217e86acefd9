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
  PoolStep,
  Program,
  ProgramTensors,
  ProgramValue,
  QuantiseStep,
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
  for (const [what, count, most] of counts) {
    if (count <= most) continue;
    throw new OnebitError(`program: ${count} ${what}, at most ${most} are allowed`);
  }
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
  if (total > MAX_TOTAL_ELEMENTS) {
    throw new OnebitError(
      `program: values hold ${total} elements, at most ${MAX_TOTAL_ELEMENTS} are allowed`,
    );
  }
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
  if (step.covers.length > MAX_COVERS) {
    throw new OnebitError(
      `${where}: covers ${step.covers.length} nodes, at most ${MAX_COVERS} are allowed`,
    );
  }
  for (const name of step.covers) checkName(name, where);
  if (step.epilogue.length > MAX_STEP_OPS) {
    throw new OnebitError(
      `${where}: ${step.epilogue.length} micro-ops, at most ${MAX_STEP_OPS} are allowed`,
    );
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
  checkWindow(step, where);
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

function checkWindow(step: PoolStep | ConvStep | BinaryConvStep, where: string): void {
  const isPool = step.kind === "pool";
  const most = isPool ? MAX_POOL_KERNEL : MAX_CONV_KERNEL;
  for (const axis of [0, 1] as const) {
    const [kernel, padding] = [step.kernel[axis], step.padding[axis]];
    checkCount(kernel, "kernel", where, most);
    checkCount(step.stride[axis], "stride", where, most);
    if (isPool && padding >= kernel) {
      throw new OnebitError(`${where}: padding ${padding} leaves windows of ${kernel} empty`);
    }
    if (Number.isInteger(padding) && padding >= 0 && padding <= mostPadding(kernel)) continue;
    throw new OnebitError(
      `${where}: padding ${padding} must be a whole number from 0 to ${mostPadding(kernel)} for ` +
        `a kernel of ${kernel}: windows farther out see nothing but padding`,
    );
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

function checkCount(value: number, what: string, where: string, max: number): void {
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

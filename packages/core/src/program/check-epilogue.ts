import { OnebitError } from "../errors.js";
import { requireTensor } from "./check-tensors.js";
import { canRepeat, type MapShape, REPEAT_UNIT, writtenShape } from "./geometry.js";
import { MICRO_OPS, type Operand, writeOf } from "./micro-ops.js";
import type { MicroOp, Program, ProgramTensors, ProgramValue, Step } from "./types.js";
import type { ValueLedger } from "./value-ledger.js";

export interface EpilogueContext {
  readonly program: Program;
  readonly tensors: ProgramTensors;
  readonly step: Step;
  /** Of the accumulator. */
  readonly shape: MapShape;
  readonly ledger: ValueLedger;
  readonly where: string;
}

export function checkEpilogue(context: EpilogueContext): void {
  const { step, where } = context;
  let writes = false;
  step.epilogue.forEach((op, index) => {
    const at = `${where}, micro-op ${index} (${op[0]})`;
    if (!Object.hasOwn(MICRO_OPS, op[0])) throw new OnebitError(`${at}: there is no such micro-op`);
    const sorts = MICRO_OPS[op[0]];
    if (op.length !== sorts.length + 1) {
      throw new OnebitError(`${at}: takes ${sorts.length} operands, has ${op.length - 1}`);
    }
    for (let i = 0; i < sorts.length; i++) checkOperand(op[i + 1], sorts[i], context, index, at);
    const write = writeOf(op);
    if (!write) return;
    checkWrite(op, write, context, at);
    writes = true;
  });
  if (!writes) throw new OnebitError(`${where}: writes no value`);
}

function checkOperand(
  operand: unknown,
  sort: Operand,
  context: EpilogueContext,
  index: number,
  at: string,
): void {
  switch (sort) {
    case "register":
      checkRegister(operand as number, index, at);
      return;
    case "tensor":
      requireTensor(context.tensors, operand as string, "float32", [context.shape[2]], at);
      return;
    case "number":
      checkNumber(operand as number, at);
      return;
    case "zero":
      if (operand === 1 || operand === -1) return;
      throw new OnebitError(`${at}: sign of zero must be 1 or -1, is ${operand}`);
    case "read":
      checkLoad(operand as number, context, at);
      return;
    case "write":
    case "offset":
      // Together: checkWrite.
      return;
    default:
      sort satisfies never;
  }
}

function checkRegister(register: number, index: number, at: string): void {
  if (Number.isInteger(register) && register >= 0 && register <= index) return;
  throw new OnebitError(`${at}: register ${register} is not defined yet`);
}

function checkNumber(x: number, at: string): void {
  if (!Number.isFinite(x) || Math.fround(x) !== x) {
    throw new OnebitError(`${at}: ${x} is not a finite float32 number`);
  }
  // JSON would lose its sign, and with it the bits of a result.
  if (Object.is(x, -0)) throw new OnebitError(`${at}: -0 is not allowed, write 0`);
}

function checkLoad(
  id: number,
  { program, step, shape, ledger }: EpilogueContext,
  at: string,
): void {
  ledger.checkReadable(id, "load");
  const { name, kind, shape: loaded } = program.values[id];
  const [height, width, channels] = shape;
  const samePixels = kind === "vector" || (loaded[0] === height && loaded[1] === width);
  if (samePixels && (loaded[2] === channels || canRepeat(step, channels, loaded[2]))) return;
  throw new OnebitError(
    `${at}: ${kind} "${name}" [${loaded}] does not fit [${shape}]: load a vector or a value of the ` +
      `same height and width, with as many channels or, in a step without groups, a multiple of ` +
      `${REPEAT_UNIT} that divides them`,
  );
}

const WRITTEN_KINDS: { readonly [op: string]: readonly ProgramValue["kind"][] } = {
  store: ["map", "vector"],
  bits: ["bits"],
  mean: ["vector"],
  "mean-2x2": ["map"],
};

function checkWrite(
  op: MicroOp,
  write: { readonly value: number; readonly offset: number },
  { program, shape, ledger }: EpilogueContext,
  at: string,
): void {
  const value = program.values[write.value];
  if (!value) throw new OnebitError(`${at}: there is no value ${write.value}`);
  if (!WRITTEN_KINDS[op[0]].includes(value.kind)) {
    throw new OnebitError(`${at}: cannot write ${value.kind} "${value.name}"`);
  }
  const [height, width] = writtenShape(op, shape);
  if (value.shape[0] !== height || value.shape[1] !== width) {
    throw new OnebitError(
      `${at}: writes [${[height, width, shape[2]]}] into "${value.name}" [${value.shape}]`,
    );
  }
  ledger.write(write.value, write.offset, shape[2], op[0], at);
}

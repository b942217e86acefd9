import { OnebitError } from "../errors.js";
import { requireTensor } from "./check-tensors.js";
import type { MapShape } from "./geometry.js";
import { MICRO_OPS, operandsOf, writeOf } from "./micro-ops.js";
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
  step.epilogue.forEach((op, index) => {
    const at = `${where}, micro-op ${index} (${op[0]})`;
    if (!Object.hasOwn(MICRO_OPS, op[0])) throw new OnebitError(`${at}: there is no such micro-op`);
    if (op.length !== MICRO_OPS[op[0]].length + 1) {
      throw new OnebitError(
        `${at}: takes ${MICRO_OPS[op[0]].length} operands, has ${op.length - 1}`,
      );
    }
    checkRegisters(op, index, at);
    for (const key of operandsOf<string>(op, "tensor")) {
      requireTensor(context.tensors, key, "float32", [context.shape[2]], at);
    }
    checkNumbers(op, at);
    if (op[0] === "load") checkLoad(op[1], context, at);
    checkWrite(op, context, at);
  });
  if (!step.epilogue.some(writeOf)) throw new OnebitError(`${where}: writes no value`);
}

function checkRegisters(op: MicroOp, index: number, at: string): void {
  for (const register of operandsOf(op, "register")) {
    if (!Number.isInteger(register) || register < 0 || register > index) {
      throw new OnebitError(`${at}: register ${register} is not defined yet`);
    }
  }
}

function checkNumbers(op: MicroOp, at: string): void {
  for (const x of operandsOf(op, "number")) {
    if (!Number.isFinite(x) || Math.fround(x) !== x) {
      throw new OnebitError(`${at}: ${x} is not a finite float32 number`);
    }
    // JSON would lose its sign, and with it the bits of a result.
    if (Object.is(x, -0)) throw new OnebitError(`${at}: -0 is not allowed, write 0`);
  }
  for (const zero of operandsOf(op, "zero")) {
    if (zero !== 1 && zero !== -1)
      throw new OnebitError(`${at}: sign of zero must be 1 or -1, is ${zero}`);
  }
}

function checkLoad(id: number, { program, shape, ledger }: EpilogueContext, at: string): void {
  ledger.checkReadable(id, "load");
  const value = program.values[id];
  const fits =
    value.kind === "vector"
      ? value.shape[2] === shape[2]
      : value.shape.every((dim, axis) => dim === shape[axis]);
  if (fits) return;
  throw new OnebitError(
    `${at}: ${value.kind} "${value.name}" [${value.shape}] does not fit [${shape}]`,
  );
}

const WRITTEN_KINDS: { readonly [op: string]: readonly ProgramValue["kind"][] } = {
  store: ["map", "vector"],
  bits: ["bits"],
  mean: ["vector"],
};

function checkWrite(op: MicroOp, { program, shape, ledger }: EpilogueContext, at: string): void {
  const write = writeOf(op);
  if (!write) return;
  const value = program.values[write.value];
  if (!value) throw new OnebitError(`${at}: there is no value ${write.value}`);
  if (!WRITTEN_KINDS[op[0]].includes(value.kind)) {
    throw new OnebitError(`${at}: cannot write ${value.kind} "${value.name}"`);
  }
  const [height, width] = op[0] === "mean" ? [1, 1] : shape;
  if (value.shape[0] !== height || value.shape[1] !== width) {
    throw new OnebitError(`${at}: writes [${shape}] into "${value.name}" [${value.shape}]`);
  }
  ledger.write(write.value, write.offset, shape[2], op[0], at);
}

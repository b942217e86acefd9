import { isComputing, MICRO_OPS, operandsOf } from "../program/micro-ops.js";
import type { MicroOp, Register, TensorKey, ValueId } from "../program/types.js";
import { unpackers } from "./element-wise.js";
import { accumulate, type UnpackedStep } from "./unpack-step.js";

/** Nodes for a step and its epilogue. Each register is one graph value. */
export function unpackStep(context: UnpackedStep): void {
  const { step, scope } = context;
  const targets = storedWhole(context);
  const nameOf = (r: Register, kind: string) => targets.get(r) ?? `${scope}/${kind}`;
  const registers = [accumulate(context, nameOf(0, step.kind))];
  step.epilogue.forEach((op, i) => {
    registers.push(unpackMicroOp(context, op, registers, nameOf(i + 1, op[0])));
  });
}

/** The values that registers are stored to as they are: what their nodes are named after. */
function storedWhole({ values, step, shape }: UnpackedStep): Map<Register, ValueId> {
  const targets = new Map<Register, ValueId>();
  const traits = registerTraits(step.epilogue, step.kind !== "pointwise", (id) => {
    return shape[0] * shape[1] > 1 && values.isOnePixel(id);
  });
  for (const op of step.epilogue) {
    if (op[0] !== "store" || !values.isWhole(op[2], shape[2])) continue;
    const { origin, computed, onePixel } = traits[op[1]];
    if (computed && !onePixel && !targets.has(origin)) targets.set(origin, op[2]);
  }
  return targets;
}

interface RegisterTraits {
  /** The register whose number it holds: writes pass theirs on. */
  readonly origin: Register;
  /** Whether a node of this step computes it. */
  readonly computed: boolean;
  /** Built from vectors alone: the same number everywhere on a larger map. */
  readonly onePixel: boolean;
}

function registerTraits(
  epilogue: readonly MicroOp[],
  computed: boolean,
  isOnePixel: (id: ValueId) => boolean,
): RegisterTraits[] {
  const traits: RegisterTraits[] = [{ origin: 0, computed, onePixel: false }];
  epilogue.forEach((op, i) => {
    traits.push(traitsOf(op, i + 1));
  });
  return traits;

  function traitsOf(op: MicroOp, origin: Register): RegisterTraits {
    switch (op[0]) {
      case "load":
        return { origin, computed: false, onePixel: isOnePixel(op[1]) };
      case "store":
      case "bits":
      case "mean":
      case "mean-2x2":
        return traits[op[1]];
      default: {
        const onePixel = operandsOf(op, "register").every((r) => traits[r].onePixel);
        return { origin, computed: true, onePixel };
      }
    }
  }
}

/** Adds what a micro-op does and returns the value of its register. */
function unpackMicroOp(
  context: UnpackedStep,
  op: MicroOp,
  registers: readonly string[],
  name: string | ValueId,
): string {
  const { values, scope } = context;
  const inner = (kind: string) => `${scope}/${kind}`;
  if (isComputing(op)) {
    const operands = MICRO_OPS[op[0]].map((sort, i) =>
      sort === "register" ? registers[op[i + 1] as Register] : (op[i + 1] as TensorKey | number),
    );
    return unpackers[op[0]]({ values, operands, name, inner });
  }
  switch (op[0]) {
    case "load":
      return loaded(context, op[1], name);
    case "store":
      values.write(op[2], op[3], stretched(context, registers[op[1]], op[2]));
      return registers[op[1]];
    case "bits":
      writeBits(context, op, registers[op[1]]);
      return registers[op[1]];
    case "mean": {
      const target = ownName(context, op[2], inner("mean"));
      const mean = values.op("global-average-pool", [registers[op[1]]], {}, target);
      values.write(op[2], op[3], mean);
      return registers[op[1]];
    }
    case "mean-2x2": {
      const target = ownName(context, op[2], inner("mean-2x2"));
      const whole = stretched(context, registers[op[1]]);
      values.write(op[2], op[3], values.op("average-pool", [whole], HALVING, target));
      return registers[op[1]];
    }
    default:
      return op satisfies never;
  }
}

const HALVING = { kernel: [2, 2], stride: [2, 2], padding: [0, 0] } as const;

/** A value with fewer channels than the step, as often as it repeats. */
function loaded({ values, shape }: UnpackedStep, id: ValueId, name: string | ValueId): string {
  const value = values.read(id);
  const channels = values.b.shape(value)[1];
  if (channels === shape[2]) return value;
  const copies = Array.from({ length: shape[2] / channels }, () => value);
  return values.op("concat", copies, { axis: 1 }, name);
}

/** r > t[c] as the sign of r - t[c]. */
function writeBits(
  context: UnpackedStep,
  [, , threshold, id, offset, zero]: Extract<MicroOp, readonly ["bits", ...unknown[]]>,
  register: string,
): void {
  const { values, scope } = context;
  const r = stretched(context, register);
  const signs = values.op(
    "sign",
    [values.above(r, threshold, `${scope}/threshold`)],
    { estimator: "clip", range: 1, zero },
    ownName(context, id, `${scope}/bits`),
  );
  values.write(id, offset, signs);
}

/** A register that vectors alone went into, over the whole map. */
function stretched(context: UnpackedStep, register: string, target?: ValueId): string {
  const { values, shape, scope } = context;
  const [height, width] = shape;
  const [, , registerHeight, registerWidth] = values.b.shape(register);
  if (registerHeight === height && registerWidth === width) return register;
  const attrs = { value: 1, shape: [1, 1, height, width] };
  const ones = values.op("constant", [], attrs, `${scope}/map`);
  const fallback = `${scope}/stretch`;
  const name = target === undefined ? fallback : ownName(context, target, fallback);
  return values.op("mul", [register, ones], {}, name);
}

/** The name of a program value for the node that computes all of it; slices are joined later. */
function ownName({ values, shape }: UnpackedStep, id: ValueId, slice: string): string | ValueId {
  return values.isWhole(id, shape[2]) ? id : slice;
}

import type { Packed } from "onebit/pack";
import {
  type MicroOp,
  mapOperands,
  operandsOf,
  type Program,
  type ProgramTensors,
  prune,
  type Step,
  type TensorKey,
  type ValueId,
  writeOf,
} from "onebit/program";

/** A packed network up to one of its values, in place of what followed. */
export interface Trunk extends Packed {
  /** The value that is handed on, a map or a vector of float32. */
  readonly cut: ValueId;
}

/** The name under which a trunk gives what it hands on. */
export const CUT = "cut";

/** What a packed network computes up to a value, with its outputs up to there and that value as "cut". */
export function trunkOf({ program, tensors }: Packed, cut: ValueId): Trunk {
  const writes = new Map(program.steps.flatMap((step, i) => writtenBy(step).map((id) => [id, i])));
  const last = writes.get(cut) ?? -1;
  const kept = Object.entries(program.outputs).filter(([, id]) => (writes.get(id) ?? -1) <= last);
  const outputs = { ...Object.fromEntries(kept), [CUT]: cut };
  const trunk = prune({ ...program, outputs }, Object.keys(outputs));
  return { program: trunk, tensors: tensorsOf(trunk, tensors), cut: trunk.outputs[CUT] };
}

export function writtenBy({ epilogue }: Step): ValueId[] {
  return epilogue.flatMap((op) => writeOf(op)?.value ?? []);
}

function tensorsOf({ steps }: Program, tensors: ProgramTensors): ProgramTensors {
  const keys = steps.flatMap((step) => [
    ...("weight" in step ? [step.weight] : []),
    ...step.epilogue.flatMap((op) => operandsOf<TensorKey>(op, "tensor")),
  ]);
  return Object.fromEntries([...new Set(keys)].map((key) => [key, tensors[key]]));
}

/** A trunk, and behind it another network, whose input is what the trunk hands on. */
export function joinPrograms(trunk: Trunk, tail: Packed): Packed {
  const { [CUT]: _, ...outputs } = trunk.program.outputs;
  const before = trunk.program.values.length;
  const id = (old: ValueId) =>
    old === tail.program.input ? trunk.cut : before + old - Number(old > tail.program.input);
  const taken = trunk.program.values.map(({ name }) => name);
  const prefix = freePrefix([...taken, ...Object.keys(trunk.tensors)]);
  const key = (name: string) => `${prefix}.${name}`;
  const values = tail.program.values
    .filter((_, old) => old !== tail.program.input)
    .map((value) => ({ ...value, name: key(value.name) }));
  const op = (one: MicroOp) => {
    const placed = mapOperands(mapOperands(one, "read", id), "write", id);
    return mapOperands(placed, "tensor", key as never);
  };
  const steps = tail.program.steps.map((step) => ({
    ...step,
    ...("weight" in step && { weight: key(step.weight) }),
    ...{ input: id(step.input), epilogue: step.epilogue.map(op) },
  }));
  const renamed = Object.entries(tail.tensors).map(([name, tensor]) => [key(name), tensor]);
  const ends = Object.entries(tail.program.outputs).map(([name, old]) => [name, id(old)]);
  return {
    program: {
      ...trunk.program,
      values: [...trunk.program.values, ...values],
      steps: [...trunk.program.steps, ...steps],
      outputs: { ...outputs, ...Object.fromEntries(ends) },
    },
    tensors: { ...trunk.tensors, ...Object.fromEntries(renamed) },
  };
}

function freePrefix(names: readonly string[]): string {
  for (let n = 1; ; n++) {
    const prefix = `tail${n}`;
    if (!names.some((name) => name.startsWith(`${prefix}.`))) return prefix;
  }
}

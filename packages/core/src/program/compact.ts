import { OnebitError } from "../errors.js";
import { paddingEnd } from "./geometry.js";
import { array, integer, integers, number, record } from "./json.js";
import { MICRO_OP_NAMES, MICRO_OPS, mapOperands, type Operand } from "./micro-ops.js";
import { NameTable, readNames } from "./name-table.js";
import type {
  MicroOp,
  PadValue,
  PoolStep,
  Program,
  ProgramValue,
  Step,
  StepKind,
  TensorKey,
} from "./types.js";

/**
 * The JSON form of a program, as stored in the file: numbers instead of names.
 *
 *   names    [[scope, [suffix, ...]], ...]: name i is the i-th "scope.suffix", counted through
 *   values   [[name, kind, h, w, c], ...]
 *   input    value
 *   steps    [[kind, input, [covered name, ...], [[op, operand, ...], ...], ...geometry], ...]
 *   outputs  { name: value }
 *
 * Tensors are indices into the file's tensor names, sorted by code units. Kinds are indices into
 * the lists below, micro-ops into MICRO_OPS; both only ever grow at the end.
 */
export interface CompactProgram {
  readonly names: readonly (readonly [scope: string, suffixes: readonly string[]])[];
  readonly values: readonly (readonly number[])[];
  readonly input: number;
  readonly steps: readonly CompactStep[];
  readonly outputs: { readonly [name: string]: number };
}

type CompactStep = readonly (number | readonly number[] | readonly (readonly number[])[])[];

/** Kinds with their types. */
const VALUE_KINDS: readonly Pick<ProgramValue, "kind" | "type">[] = [
  { kind: "map" },
  { kind: "bits" },
  { kind: "vector" },
  { kind: "map", type: "bfloat16" },
];
const STEP_KINDS: readonly StepKind[] = [
  "binary-conv",
  "conv",
  "linear",
  "pool",
  "pointwise",
  "quantise",
  "shuffle",
];
/** Of a binary convolution: 0, 1 and -1 are themselves, and the other one is 2. */
const REPLICATE = 2;
const QUANTISE_GROUPS = ["image", "channel"] as const;

/** The form of a program in files: short lists instead of named fields, names once. */
export function compactProgram(program: Program, tensorNames: readonly string[]): CompactProgram {
  const names = new NameTable([
    ...program.values.map(({ name }) => name),
    ...program.steps.flatMap(({ covers }) => covers),
  ]);
  const tensors = new Map(sorted(tensorNames).map((name, i) => [name, i]));
  return {
    names: names.scopes,
    values: program.values.map(({ name, kind, type, shape }) => [
      names.indexOf(name),
      VALUE_KINDS.findIndex((known) => known.kind === kind && known.type === type),
      ...shape,
    ]),
    input: program.input,
    steps: program.steps.map((step) => compactStep(step, names, (key) => tensors.get(key)!)),
    outputs: { ...program.outputs },
  };
}

function compactStep(
  step: Step,
  names: NameTable,
  tensorIndex: (key: TensorKey) => number,
): CompactStep {
  const head = [
    STEP_KINDS.indexOf(step.kind),
    step.input,
    step.covers.map((name) => names.indexOf(name)),
    step.epilogue.map((op) => compactOp(op, tensorIndex)),
  ];
  switch (step.kind) {
    case "binary-conv":
      return [
        ...head,
        tensorIndex(step.weight),
        step.out,
        ...window(step),
        step.groups,
        step.padValue === "replicate" ? REPLICATE : step.padValue,
        ...(step.dilation ?? []),
      ];
    case "conv":
      return [...head, tensorIndex(step.weight), step.out, ...window(step), step.groups];
    case "linear":
      return [...head, tensorIndex(step.weight), step.out];
    case "pool":
      return [...head, step.mode === "max" ? 0 : 1, ...window(step)];
    case "pointwise":
      return head;
    case "quantise":
      return [...head, step.bits, step.clip, QUANTISE_GROUPS.indexOf(step.group)];
    case "shuffle":
      return [...head, step.out, step.first, step.dealt, Number(step.whole)];
    default:
      return step satisfies never;
  }
}

type Window = Pick<PoolStep, "kernel" | "stride" | "padding" | "paddingEnd">;

/** Padding along an axis is a number, or two where it differs before and behind the map. */
function window(step: Window): (number | readonly number[])[] {
  const end = paddingEnd(step);
  const sides = step.padding.map((side, axis) => (side === end[axis] ? side : [side, end[axis]]));
  return [...step.kernel, ...step.stride, ...sides];
}

function compactOp(op: MicroOp, tensorIndex: (key: TensorKey) => number): number[] {
  const numbered = mapOperands(op, "tensor", (key) => tensorIndex(key as unknown as TensorKey));
  return [MICRO_OP_NAMES.indexOf(op[0]), ...(numbered.slice(1) as number[])];
}

/**
 * Reads what compactProgram wrote, from any JSON value. Only the form is checked here; checkProgram
 * must still be asked whether the program makes sense.
 */
export function expandProgram(json: unknown, tensorNames: readonly string[]): Program {
  const compact = record(json, "program");
  const names = readNames(compact.names);
  const tensors = sorted(tensorNames);
  const values = array(compact.values, "program.values").map((row, i) =>
    expandValue(integers(row, `program.values[${i}]`), names, i),
  );
  const steps = array(compact.steps, "program.steps").map((row, i) =>
    expandStep(new Row(array(row, `program.steps[${i}]`), `program.steps[${i}]`), names, tensors),
  );
  const outputs = Object.entries(record(compact.outputs, "program.outputs"));
  return {
    values,
    input: integer(compact.input, "program.input"),
    steps,
    outputs: Object.fromEntries(
      outputs.map(([name, id]) => [name, integer(id, `program.outputs.${name}`)]),
    ),
  };
}

function expandValue(row: readonly number[], names: readonly string[], i: number): ProgramValue {
  const where = `program.values[${i}]`;
  if (row.length !== 5) throw new OnebitError(`${where}: must hold 5 numbers, holds ${row.length}`);
  const [name, kind, h, w, c] = row;
  return { name: at(names, name, where), ...at(VALUE_KINDS, kind, where), shape: [h, w, c] };
}

/** Takes a step's fields one after another. */
class Row {
  #next = 0;
  constructor(
    readonly fields: readonly unknown[],
    readonly where: string,
  ) {}

  take(): unknown {
    if (this.#next >= this.fields.length) throw new OnebitError(`${this.where}: is too short`);
    return this.fields[this.#next++];
  }

  integer(): number {
    return integer(this.take(), this.where);
  }

  get hasMore(): boolean {
    return this.#next < this.fields.length;
  }

  pair(): [number, number] {
    return [this.integer(), this.integer()];
  }

  /** A number, or one for each side. */
  sides(): [before: number, after: number] {
    const field = this.take();
    const [before, after = before] = integers(Array.isArray(field) ? field : [field], this.where);
    return [before, after];
  }

  end(): void {
    if (this.#next !== this.fields.length) throw new OnebitError(`${this.where}: is too long`);
  }
}

function expandStep(row: Row, names: readonly string[], tensors: readonly string[]): Step {
  const { where } = row;
  const kind = at(STEP_KINDS, row.integer(), where);
  const base = {
    input: row.integer(),
    covers: integers(row.take(), `${where}.covers`).map((i) => at(names, i, `${where}.covers`)),
    epilogue: array(row.take(), `${where}.epilogue`).map((op, i) =>
      expandOp(op, tensors, `${where}.epilogue[${i}]`),
    ),
  };
  const step = expandGeometry(kind, base, row, tensors);
  row.end();
  return step;
}

function expandGeometry(
  kind: StepKind,
  base: Pick<Step, "input" | "covers" | "epilogue">,
  row: Row,
  tensors: readonly string[],
): Step {
  const weight = () => ({ weight: at(tensors, row.integer(), row.where), out: row.integer() });
  const window = (): Window => {
    const [kernel, stride, y, x] = [row.pair(), row.pair(), row.sides(), row.sides()];
    const even = y[0] === y[1] && x[0] === x[1];
    const padding = [y[0], x[0]] as const;
    return { kernel, stride, padding, ...(!even && { paddingEnd: [y[1], x[1]] as const }) };
  };
  switch (kind) {
    case "binary-conv":
      return {
        kind,
        ...base,
        ...weight(),
        ...window(),
        groups: row.integer(),
        padValue: padValue(row.integer()),
        ...(row.hasMore && { dilation: row.pair() }),
      };
    case "conv":
      return { kind, ...base, ...weight(), ...window(), groups: row.integer() };
    case "linear":
      return { kind, ...base, ...weight() };
    case "pool":
      return {
        kind,
        ...base,
        mode: at(["max", "average"] as const, row.integer(), row.where),
        ...window(),
      };
    case "pointwise":
      return { kind, ...base };
    case "quantise":
      return {
        kind,
        ...base,
        bits: row.integer(),
        clip: number(row.take(), row.where),
        group: at(QUANTISE_GROUPS, row.integer(), row.where),
      };
    case "shuffle":
      return {
        ...{ kind, ...base, out: row.integer(), first: row.integer(), dealt: row.integer() },
        whole: at([false, true], row.integer(), row.where),
      };
    default:
      return kind satisfies never;
  }
}

const padValue = (stored: number) => (stored === REPLICATE ? "replicate" : stored) as PadValue;

function expandOp(json: unknown, tensors: readonly string[], where: string): MicroOp {
  const row = array(json, where);
  const name = at(MICRO_OP_NAMES, integer(row[0], where), where);
  const sorts = MICRO_OPS[name];
  if (row.length !== sorts.length + 1) {
    throw new OnebitError(
      `${where}: ${name} takes ${sorts.length} operands, has ${row.length - 1}`,
    );
  }
  const op: unknown[] = [name];
  for (let i = 0; i < sorts.length; i++)
    op.push(expandOperand(row[i + 1], sorts[i], tensors, where));
  return op as unknown as MicroOp;
}

function expandOperand(
  json: unknown,
  sort: Operand,
  tensors: readonly string[],
  where: string,
): unknown {
  if (sort === "number") return number(json, where);
  const index = integer(json, where);
  return sort === "tensor" ? at(tensors, index, where) : index;
}

/** By code units: the same order everywhere. */
function sorted(names: readonly string[]): string[] {
  return [...names].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

function at<T>(list: readonly T[], index: number, where: string): T {
  if (index < 0 || index >= list.length) {
    throw new OnebitError(`${where}: index ${index} is outside a list of ${list.length}`);
  }
  return list[index];
}

/** Step kinds in use, for the file's `requires`. */
export function requiredKinds(program: Program): StepKind[] {
  return STEP_KINDS.filter((kind) => program.steps.some((step) => step.kind === kind));
}

/** Step kinds that this version knows. */
export const KNOWN_KINDS: readonly string[] = STEP_KINDS;

import type { Random } from "onebit/conformance";
import type { OnebitFile } from "onebit/file";
import { MICRO_OP_NAMES, MICRO_OPS, type MicroOp, mapOperands, type Operand } from "onebit/program";
import { type Draft, draftOf, fileOf, type MutableStep } from "./draft.js";
import { repair } from "./repair.js";

/** Edits a program in place; says what it did, or undefined where there is nothing of that kind. */
type ProgramEdit = (draft: Draft, random: Random) => string | undefined;

const EDITS: readonly (readonly [name: string, edit: ProgramEdit])[] = [
  ["kernel", window("kernel", [1, 1, 2, 3, 4, 5, 7, 11, 16, 33, 64])],
  ["stride", window("stride", [1, 2, 3, 4, 5, 8, 17, 64, 1000, 4096])],
  ["padding", window("padding", [0, 1, 2, 3, 4, 7, 8, 15, 16, 33, 64, 200])],
  ["groups", editGroups],
  ["output channels", editOut],
  ["input size", editInput],
  ["step removed", removeStep],
  ["step doubled", doubleStep],
  ["step of another kind", changeKind],
  ["micro-op inserted", insertOp],
  ["micro-op removed", removeOp],
  ["operand of a micro-op", editOperand],
  ["narrow maps", editTypes],
  ["quantiser", editQuantiser],
];

export interface EditedFile {
  readonly file: OnebitFile;
  readonly edits: readonly string[];
  readonly told: readonly string[];
}

/** One to three edits, after which shapes, tensors and slices are made to fit again. */
export function editProgram(file: OnebitFile, random: Random): EditedFile {
  const draft = draftOf(file);
  const [edits, told]: [string[], string[]] = [[], []];
  for (let left = random.pick([1, 1, 2, 3]); left > 0; left--) {
    const [name, edit] = random.pick(EDITS);
    const how = edit(draft, random);
    if (how === undefined) continue;
    edits.push(name);
    told.push(`${name}: ${how}`);
  }
  repair(draft, random);
  return { file: fileOf(draft, file), edits, told };
}

function window(field: "kernel" | "stride" | "padding", sizes: readonly number[]): ProgramEdit {
  return ({ steps }, random) => {
    const windows = steps.filter((step) => "kernel" in step);
    if (windows.length === 0) return undefined;
    const step = random.pick(windows);
    step[field] = random.pair(() => random.pick(sizes));
    return `${step.kind} -> ${step[field]}`;
  };
}

function editGroups({ steps, values }: Draft, random: Random): string | undefined {
  const grouped = steps.filter((step) => "groups" in step);
  if (grouped.length === 0) return undefined;
  const step = random.pick(grouped);
  const channels = values[step.input].shape[2];
  step.groups = random.pick([1, 2, 3, channels, step.out]);
  step.out = step.groups * random.int(1, 3);
  return `${step.kind} -> ${step.groups} of ${step.out} channels`;
}

function editOut({ steps }: Draft, random: Random): string | undefined {
  const producing = steps.filter((step) => "out" in step);
  if (producing.length === 0) return undefined;
  const step = random.pick(producing);
  step.out = random.pick([1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 129, 255, 257, 1025]);
  return `${step.kind} -> ${step.out}`;
}

function editInput({ values, input }: Draft, random: Random): string {
  const sides = [1, 1, 2, 3, 5, 8, 16, 17, 31, 64];
  const channels = [1, 2, 3, 31, 32, 33, 64, 65, 100, 257, 1025];
  const height = random.pick(sides);
  const width = height > 17 ? random.int(1, 4) : random.pick(sides);
  values[input].shape = [height, width, random.pick(channels)];
  return `[${values[input].shape}]`;
}

function removeStep({ steps }: Draft, random: Random): string | undefined {
  if (steps.length < 2) return undefined;
  const at = random.int(0, steps.length - 1);
  steps.splice(at, 1);
  return `${at}`;
}

/** What the copy writes are further slices of the same values. */
function doubleStep({ steps }: Draft, random: Random): string {
  const at = random.int(0, steps.length - 1);
  steps.splice(at, 0, structuredClone(steps[at]));
  return `${at}`;
}

function changeKind({ steps }: Draft, random: Random): string {
  const at = random.int(0, steps.length - 1);
  const { input, epilogue } = steps[at];
  const base = { covers: [], input, epilogue };
  const geometry = {
    kernel: random.pair(() => random.int(1, 3)),
    stride: random.pair(() => random.int(1, 2)),
    padding: random.pair(() => random.int(0, 1)),
  };
  const weight = { weight: "new weight", out: random.int(1, 40) };
  const bits = random.int(1, 16);
  steps[at] = random.pick<MutableStep>([
    { ...base, kind: "pointwise" },
    { ...base, kind: "pool", mode: random.pick(["max", "average"]), ...geometry },
    { ...base, kind: "conv", groups: 1, ...weight, ...geometry },
    {
      ...base,
      kind: "binary-conv",
      groups: 1,
      padValue: random.pick([0, 1, -1, "replicate"]),
      ...(random.chance(0.3) && { dilation: random.pair(() => random.int(1, 3)) }),
      ...weight,
      ...geometry,
    },
    {
      ...{ ...base, kind: "shuffle", out: random.int(1, 40), first: random.int(-3, 3) },
      ...{ dealt: random.pick([1, 1, 2, 4]), whole: random.chance(0.3) },
    },
    { ...base, kind: "linear", ...weight },
    {
      ...base,
      kind: "quantise",
      bits,
      clip: random.pick([0.5, 25]),
      group: random.pick(["image", "channel"]),
    },
  ]);
  return `${at} -> ${steps[at].kind}`;
}

const ARITHMETIC = MICRO_OP_NAMES.filter(
  (name) => !(MICRO_OPS[name] as string[]).includes("write"),
);

function insertOp({ steps, values }: Draft, random: Random): string {
  const { epilogue } = random.pick(steps);
  const at = random.int(0, epilogue.length);
  const draw = (sort: Operand): number | string => {
    if (sort === "register") return random.int(0, at);
    if (sort === "tensor") return "new vector";
    return sort === "read" ? random.int(0, values.length - 1) : random.int(-1, 3);
  };
  const name = random.pick(ARITHMETIC);
  const op = [name, ...MICRO_OPS[name].map(draw)] as unknown as MicroOp;
  // Registers are counted by place: those from here on move.
  shiftRegisters(epilogue, at, 1);
  epilogue.splice(at, 0, op);
  return `${op[0]} at ${at}`;
}

/** Of the micro-ops from `at` on: what the later ones define is `by` further on. */
function shiftRegisters(epilogue: MicroOp[], at: number, by: 1 | -1): void {
  const shifted = (register: number) => (register > at ? register + by : register);
  for (let i = at; i < epilogue.length; i++) {
    epilogue[i] = mapOperands(epilogue[i], "register", shifted);
  }
}

function removeOp({ steps }: Draft, random: Random): string | undefined {
  const { epilogue } = random.pick(steps);
  if (epilogue.length < 2) return undefined;
  const at = random.int(0, epilogue.length - 1);
  const [op] = epilogue.splice(at, 1);
  shiftRegisters(epilogue, at, -1);
  return `${op[0]} at ${at}`;
}

function editOperand({ steps }: Draft, random: Random): string | undefined {
  const { epilogue } = random.pick(steps);
  if (epilogue.length === 0) return undefined;
  const at = random.int(0, epilogue.length - 1);
  const op = [...epilogue[at]] as (string | number)[];
  const numbers = op.flatMap((operand, i) => (i > 0 && typeof operand === "number" ? [i] : []));
  if (numbers.length === 0) return undefined;
  const operand = random.pick(numbers);
  op[operand] = random.int(0, at + 1);
  epilogue[at] = op as unknown as MicroOp;
  return `${op[0]}, operand ${operand} -> ${op[operand]}`;
}

function editTypes({ values }: Draft, random: Random): string {
  for (const value of values) {
    if (value.kind === "map") value.type = random.chance(0.5) ? "bfloat16" : undefined;
  }
  return "drawn again";
}

function editQuantiser({ steps }: Draft, random: Random): string | undefined {
  const quantisers = steps.filter((step) => step.kind === "quantise");
  if (quantisers.length === 0) return undefined;
  const step = random.pick(quantisers);
  step.bits = random.int(1, 16);
  step.clip = Math.fround(random.pick([1e-38, 1e-3, 0.1, 1, 1e6, 3e38]));
  return `${step.bits} bits to ${step.clip}`;
}

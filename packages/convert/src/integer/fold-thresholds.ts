import {
  isComputing,
  type MicroOp,
  operandsOf,
  type Program,
  type ProgramTensors,
  type Step,
} from "onebit/program";
import { reference } from "onebit/reference";
import { type Interval, intervalOfEnds } from "./interval.js";

/** Numbers that may be looked at for one step. */
const MOST_NUMBERS = 2 ** 24;

/**
 * Bits that depend on the accumulator alone (through affine maps, PReLUs and so on) as a comparison of the
 * accumulator, by number of the micro-op. What the float network says of every number that the accumulator can be is
 * computed, so nothing is rounded. Left out are bits whose channels change more than twice.
 */
export async function foldThresholds(
  step: Step,
  tensors: ProgramTensors,
  { channels, bound }: { readonly channels: number; readonly bound: number },
): Promise<Map<number, Interval>> {
  const folded = new Map<number, Interval>();
  const found = step.epilogue.flatMap((op, i) =>
    op[0] === "bits" && isOfAccumulator(step.epilogue, op[1]) ? [{ op, i }] : [],
  );
  const numbers = 2 * bound + 1;
  if (!found.length || numbers * channels > MOST_NUMBERS) return folded;
  const registers = [...new Set(found.map(({ op }) => op[1]))];
  const values = await registersOf(step, tensors, registers, { channels, numbers });
  for (const { op, i } of found) {
    const [, register, key, , , zero] = op;
    const thresholds = tensors[key].data;
    const register_ = values.get(register)!;
    const isOne = (n: number, c: number) => {
      const x = register_[n * channels + c];
      return zero === 1 ? x >= thresholds[c] : x > thresholds[c];
    };
    const ends = Array.from({ length: channels }, (_, c) =>
      endsOf((n) => isOne(n, c), numbers, bound),
    );
    if (ends.includes(undefined)) continue;
    folded.set(i, intervalOfEnds(ends as [number, number][], bound));
  }
  return folded;
}

function isOfAccumulator(epilogue: readonly MicroOp[], register: number): boolean {
  if (register === 0) return true;
  const op = epilogue[register - 1];
  if (op[0] === "load") return false;
  return operandsOf(op, "register").every((one) => isOfAccumulator(epilogue, one));
}

/** The interval, which may run over the end and begin again, where the bit is 1. */
function endsOf(
  isOne: (n: number) => boolean,
  numbers: number,
  bound: number,
): [from: number, count: number] | undefined {
  let ones = 0;
  let changes = 0;
  let rise = 0;
  for (let n = 0; n < numbers; n++) {
    const one = isOne(n);
    if (one) ones++;
    if (n === 0 || one === isOne(n - 1)) continue;
    changes++;
    if (one) rise = n;
  }
  if (changes > 2) return undefined;
  if (ones === 0) return [bound + 1, 0];
  if (!isOne(0) || changes < 2) return [isOne(0) ? -bound : rise - bound, ones];
  // 1, 0, 1: from the second rise on, through all numbers that are none, to the fall.
  return [rise - bound, 2 ** 32 - (numbers - ones)];
}

/** Registers for every number that the accumulator can be, [numbers, channels], by the reference backend. */
async function registersOf(
  step: Step,
  tensors: ProgramTensors,
  registers: readonly number[],
  { channels, numbers }: { readonly channels: number; readonly numbers: number },
): Promise<Map<number, Float32Array>> {
  const shape = [1, numbers, channels] as const;
  // Registers keep their numbers: what touches a value becomes a register that nobody reads.
  const nothing: MicroOp = ["relu", 0];
  const epilogue = step.epilogue.map((op): MicroOp => {
    if (isComputing(op)) return op;
    return op[0] === "load" ? nothing : ["clamp", op[1], -Infinity, Infinity];
  });
  const outputs = registers.map((register, i) => ({ name: `r${register}`, id: i + 1, register }));
  const program: Program = {
    values: [
      { name: "accumulator", kind: "map", shape },
      ...outputs.map(({ name }) => ({ name, kind: "map" as const, shape })),
    ],
    input: 0,
    steps: [
      {
        kind: "pointwise",
        covers: [],
        input: 0,
        epilogue: [
          ...epilogue,
          ...outputs.map(({ register, id }): MicroOp => ["store", register, id, 0]),
        ],
      },
    ],
    outputs: Object.fromEntries(outputs.map(({ name, id }) => [name, id])),
  };
  const executable = await reference.compile(program, tensors, { threads: 1 });
  const bound = (numbers - 1) / 2;
  const image = Float32Array.from({ length: numbers * channels }, (_, i) => {
    return Math.floor(i / channels) - bound;
  });
  const values = await executable.run(image, 1);
  return new Map(outputs.map(({ name, register }) => [register, values[name]]));
}

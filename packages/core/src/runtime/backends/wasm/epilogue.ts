import type { MapShape } from "../../../program/geometry.js";
import { operandsOf } from "../../../program/micro-ops.js";
import type { MicroOp, ProgramTensors } from "../../../program/types.js";
import {
  floatField,
  fromChannel,
  type Instruction,
  type Operand,
  vectorBytes,
} from "./instruction.js";
import type { Field, MemoryPlan } from "./memory-plan.js";
import { bitsOperand, floatOperand, type ValueLayout } from "./value-layout.js";

export interface EpilogueInput {
  readonly plan: MemoryPlan;
  readonly layouts: readonly ValueLayout[];
  readonly tensors: ProgramTensors;
  readonly index: number;
  /** Of the accumulator. */
  readonly shape: MapShape;
  readonly blockRows: number;
  readonly epilogue: readonly MicroOp[];
  /** Where register 0 lies already (a step whose accumulator is its input); else it gets a place. */
  readonly accumulator?: Operand;
}

export interface CompiledEpilogue {
  /** Register 0: where the step's kernel leaves the accumulator. */
  readonly accumulator: Operand;
  readonly body: readonly Instruction[];
  readonly finish: readonly Instruction[];
}

/**
 * Registers become places. A register that a `store` writes whole is computed in the value itself;
 * a loaded map or vector is read where it lies; all others get scratch blocks of a few rows,
 * reused as soon as nobody reads them any more (an op may write over its own operand).
 */
export function compileEpilogue(input: EpilogueInput): CompiledEpilogue {
  const registers = new Registers(input);
  const accumulator = registers.define(0, input.accumulator);
  registers.release(-1);
  const body: Instruction[] = [];
  const finish: Instruction[] = [];
  input.epilogue.forEach((op, index) => {
    compileOp(op, index, input, registers, body, finish);
  });
  return { accumulator, body, finish };
}

function compileOp(
  op: MicroOp,
  index: number,
  input: EpilogueInput,
  registers: Registers,
  body: Instruction[],
  finish: Instruction[],
): void {
  const channels = input.shape[2];
  const layout = (id: number) => input.layouts[id];
  const tensor = (key: string) => perChannel(input, key);
  const operand = (register: number) => registers.at(register);
  /** Result of an arithmetic op; its operands may end here and lend it their place. */
  const result = () => {
    registers.release(index);
    return registers.define(index + 1);
  };
  const keep = (register: number) => registers.alias(index + 1, register);
  switch (op[0]) {
    case "load": {
      const source = layout(op[1]);
      if (source.value.kind !== "bits") {
        registers.define(index + 1, floatOperand(source));
        return;
      }
      body.push({ op: "loadBits", channels, a: bitsOperand(source), dst: result() });
      return;
    }
    case "affine": {
      const a = operand(op[1]);
      body.push({ op: "affine", channels, a, s: tensor(op[2]), t: tensor(op[3]), dst: result() });
      return;
    }
    case "shift": {
      const a = operand(op[1]);
      body.push({ op: "shift", channels, a, t: tensor(op[2]), dst: result() });
      return;
    }
    case "scale":
    case "prelu": {
      const a = operand(op[1]);
      body.push({ op: op[0], channels, a, s: tensor(op[2]), dst: result() });
      return;
    }
    case "relu":
    case "sigmoid": {
      const a = operand(op[1]);
      body.push({ op: op[0], channels, a, dst: result() });
      return;
    }
    case "hard-sigmoid": {
      const a = operand(op[1]);
      body.push({ op: "hardSigmoid", channels, a, dst: result() });
      return;
    }
    case "clamp": {
      const [a, s, t] = [operand(op[1]), floatField(op[2]), floatField(op[3])];
      body.push({ op: "clamp", channels, a, s, t, dst: result() });
      return;
    }
    case "add":
    case "mul": {
      const [a, b] = [operand(op[1]), operand(op[2])];
      body.push({ op: op[0], channels, a, b, dst: result() });
      return;
    }
    case "mix": {
      const [a, b] = [operand(op[1]), operand(op[2])];
      body.push({ op: "mix", channels, a, b, s: tensor(op[3]), dst: result() });
      return;
    }
    case "store": {
      const a = operand(op[1]);
      keep(op[1]);
      const dst = fromChannel(floatOperand(layout(op[2])), op[3]);
      const inPlace = registers.home(op[1]) === index;
      if (!inPlace) body.push({ op: "store", channels, a, dst });
      break;
    }
    case "bits": {
      const a = operand(op[1]);
      keep(op[1]);
      const [s, t, u] = [tensor(op[2]), op[4], op[5] === 1 ? 1 : 0];
      body.push({ op: "bits", channels, a, s, t, u, dst: bitsOperand(layout(op[3])) });
      break;
    }
    case "mean": {
      const a = operand(op[1]);
      keep(op[1]);
      const sums = rowSumTable(input);
      body.push({ op: "rowSums", channels, a, dst: sums });
      finish.push({
        op: "mean",
        channels,
        a: sums,
        dst: fromChannel(floatOperand(layout(op[2])), op[3]),
      });
      break;
    }
    default:
      op satisfies never;
  }
  registers.release(index);
}

function rowSumTable({ plan, index, shape: [rows, , channels] }: EpilogueInput): Operand {
  const row = vectorBytes(channels);
  return { place: plan.temporary(rows * row, index, index), pixel: 0, advance: row };
}

/** A per-channel tensor, filled up with zeros to whole vectors. */
function perChannel({ plan, tensors, shape }: EpilogueInput, key: string): Field {
  const vector = new Float32Array(vectorBytes(shape[2]) / 4);
  vector.set(tensors[key].data);
  return plan.constant(vector);
}

/** Where each register lies, while it lives. */
class Registers {
  readonly #input: EpilogueInput;
  readonly #operands: Operand[] = [];
  /** Micro-op that reads a register last. */
  readonly #lastUse: number[];
  readonly #homes: (number | undefined)[];
  /** Scratch blocks nobody uses, and which registers hold one. */
  readonly #free: Operand[] = [];
  readonly #scratch = new Map<number, Operand>();

  constructor(input: EpilogueInput) {
    this.#input = input;
    this.#lastUse = lastUses(input.epilogue);
    this.#homes = storeHomes(input);
  }

  at(register: number): Operand {
    return this.#operands[register];
  }

  /** The store op that a register is computed in place for. */
  home(register: number): number | undefined {
    return this.#homes[register];
  }

  /** Gives a register its place: the one given, its home in a value, or scratch. */
  define(register: number, place?: Operand): Operand {
    const operand = place ?? this.#homeOf(register) ?? this.#takeScratch(register);
    this.#operands[register] = operand;
    if (place) this.#homes[register] = undefined;
    return operand;
  }

  /** A register that is another one: what store, bits and mean return. */
  alias(register: number, of: number): void {
    this.#operands[register] = this.#operands[of];
    this.#homes[register] = undefined;
    const scratch = this.#scratch.get(of);
    if (!scratch) return;
    this.#scratch.delete(of);
    this.#scratch.set(register, scratch);
    this.#lastUse[register] = Math.max(this.#lastUse[register], this.#lastUse[of]);
  }

  /** Frees the scratch of registers that nobody reads after this micro-op. */
  release(index: number): void {
    for (const [register, operand] of this.#scratch) {
      if (this.#lastUse[register] > index) continue;
      this.#scratch.delete(register);
      this.#free.push(operand);
    }
  }

  #homeOf(register: number): Operand | undefined {
    const op = this.#input.epilogue[this.#homes[register] ?? -1];
    return op?.[0] === "store" ? floatOperand(this.#input.layouts[op[2]]) : undefined;
  }

  #takeScratch(register: number): Operand {
    const operand = this.#free.pop() ?? this.#newScratch();
    this.#scratch.set(register, operand);
    return operand;
  }

  #newScratch(): Operand {
    const { plan, index, shape, blockRows } = this.#input;
    const pixel = vectorBytes(shape[2]);
    const place = plan.temporary(blockRows * shape[1] * pixel, index, index);
    return { place, pixel, advance: 0 };
  }
}

function lastUses(epilogue: readonly MicroOp[]): number[] {
  const last = new Array<number>(epilogue.length + 1).fill(-1);
  epilogue.forEach((op, index) => {
    for (const register of operandsOf(op, "register")) last[register] = index;
  });
  return last;
}

/** Per register: the first store that writes all channels of a value from it. */
function storeHomes({ epilogue, layouts, shape }: EpilogueInput): (number | undefined)[] {
  const homes = new Array<number | undefined>(epilogue.length + 1).fill(undefined);
  epilogue.forEach((op, index) => {
    if (op[0] !== "store" || homes[op[1]] !== undefined) return;
    if (layouts[op[2]].value.shape[2] === shape[2]) homes[op[1]] = index;
  });
  return homes;
}

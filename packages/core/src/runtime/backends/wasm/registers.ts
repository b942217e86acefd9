import type { MapShape } from "../../../program/geometry.js";
import { operandsOf } from "../../../program/micro-ops.js";
import type { MicroOp, Register } from "../../../program/types.js";
import { type Operand, vectorBytes } from "./instruction.js";
import type { MemoryPlan } from "./memory-plan.js";
import { targetOperand, type ValueLayout } from "./value-layout.js";

export interface RegisterInput {
  readonly plan: MemoryPlan;
  readonly layouts: readonly ValueLayout[];
  /** The step, its accumulator's shape and its rows per block. */
  readonly index: number;
  readonly shape: MapShape;
  readonly blockRows: number;
  readonly epilogue: readonly MicroOp[];
}

/**
 * Places for the registers of an epilogue. A register that a `store` writes whole lives in the
 * value itself; all others that need a place get scratch blocks of a few rows, reused as soon as
 * nobody reads them any more (an op may write over its own operand).
 */
export class Registers {
  readonly #input: RegisterInput;
  /** `store`, `bits` and `mean` define a register that is the one they read. */
  readonly #root: readonly Register[];
  readonly #lastUse: readonly number[];
  /** Per register, the store whose value it lives in. */
  readonly #homes: (number | undefined)[];
  readonly #operands: Operand[] = [];
  readonly #scratch = new Map<Register, Operand>();
  #free: Operand[] = [];

  constructor(input: RegisterInput) {
    this.#input = input;
    this.#root = roots(input.epilogue);
    this.#lastUse = this.#lastUses();
    this.#homes = this.#storeHomes();
  }

  at(register: Register): Operand {
    return this.#operands[this.#root[register]];
  }

  /** True where this store has nothing to do. */
  isHome(store: number, register: Register): boolean {
    return this.#homes[this.#root[register]] === store;
  }

  /** Register whose contents lie somewhere already. */
  place(register: Register, operand: Operand): void {
    this.#operands[register] = operand;
    this.#homes[register] = undefined;
  }

  /** Place for a register that an instruction will write. */
  define(register: Register): Operand {
    const operand = this.#home(register) ?? this.#takeScratch(register);
    this.#operands[register] = operand;
    return operand;
  }

  /** Frees the scratch of registers that nobody reads after micro-op `index`. */
  release(index: number): void {
    for (const [register, operand] of this.#scratch) {
      if (this.#lastUse[register] > index) continue;
      this.#scratch.delete(register);
      this.#free.push(operand);
    }
  }

  #home(register: Register): Operand | undefined {
    const op = this.#input.epilogue[this.#homes[register] ?? -1];
    return op?.[0] === "store" ? targetOperand(this.#input.layouts[op[2]]) : undefined;
  }

  #takeScratch(register: Register): Operand {
    const operand = this.#free.pop() ?? this.#newScratch();
    this.#scratch.set(register, operand);
    return operand;
  }

  #newScratch(): Operand {
    const { plan, index, shape, blockRows } = this.#input;
    const pixel = vectorBytes(shape[2]);
    return {
      place: plan.temporary(blockRows * shape[1] * pixel, index, index),
      pixel,
      advance: 0,
    };
  }

  #lastUses(): number[] {
    const last = this.#root.map(() => -1);
    this.#input.epilogue.forEach((op, index) => {
      for (const register of operandsOf(op, "register")) last[this.#root[register]] = index;
    });
    return last;
  }

  /** The first store that writes all channels of a value from each register. */
  #storeHomes(): (number | undefined)[] {
    const { epilogue, layouts, shape } = this.#input;
    const homes: (number | undefined)[] = this.#root.map(() => undefined);
    epilogue.forEach((op, index) => {
      if (op[0] !== "store" || layouts[op[2]].value.shape[2] !== shape[2]) return;
      homes[this.#root[op[1]]] ??= index;
    });
    return homes;
  }
}

function roots(epilogue: readonly MicroOp[]): Register[] {
  const root: Register[] = [0];
  epilogue.forEach((op, index) => {
    const same = op[0] === "store" || op[0] === "bits" || op[0] === "mean";
    root.push(same ? root[op[1]] : index + 1);
  });
  return root;
}

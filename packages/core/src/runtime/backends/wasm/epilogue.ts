import { operandsOf } from "../../../program/micro-ops.js";
import type { MicroOp, ProgramTensors } from "../../../program/types.js";
import {
  fromChannel,
  type Instruction,
  type Op,
  type Operand,
  vectorBytes,
} from "./instruction.js";
import type { Field } from "./memory-plan.js";
import { type RegisterInput, Registers } from "./registers.js";
import { bitsOperand, sourceOperand, targetOperand } from "./value-layout.js";

export interface EpilogueInput extends RegisterInput {
  readonly tensors: ProgramTensors;
  /** Where register 0 lies already (a step whose accumulator is its input); else it gets a place. */
  readonly accumulator?: Operand;
}

export interface CompiledEpilogue {
  /** Register 0: where the step's kernel leaves the accumulator. */
  readonly accumulator: Operand;
  readonly body: readonly Instruction[];
  readonly finish: readonly Instruction[];
}

type Write = Extract<MicroOp, readonly ["store" | "bits" | "mean", ...unknown[]]>;
type Arithmetic = Exclude<MicroOp, Write | readonly ["load", ...unknown[]]>;

export function compileEpilogue(input: EpilogueInput): CompiledEpilogue {
  return new EpilogueCompiler(input).compile();
}

class EpilogueCompiler {
  readonly #input: EpilogueInput;
  readonly #registers: Registers;
  readonly #body: Instruction[] = [];
  readonly #finish: Instruction[] = [];

  constructor(input: EpilogueInput) {
    this.#input = input;
    this.#registers = new Registers(input);
  }

  compile(): CompiledEpilogue {
    const { accumulator: given, epilogue } = this.#input;
    if (given) this.#registers.place(0, given);
    const accumulator = given ?? this.#registers.define(0);
    epilogue.forEach((op, index) => {
      this.#compileOp(op, index);
    });
    return { accumulator, body: this.#body, finish: this.#finish };
  }

  #compileOp(op: MicroOp, index: number): void {
    switch (op[0]) {
      case "load":
        this.#load(op[1], index);
        break;
      case "store":
      case "bits":
      case "mean":
        this.#write(op, index);
        this.#registers.release(index);
        break;
      default:
        this.#arithmetic(op, index);
    }
  }

  /** Maps and vectors are read where they lie. */
  #load(id: number, index: number): void {
    const source = this.#input.layouts[id];
    if (source.value.kind !== "bits") {
      this.#registers.place(index + 1, sourceOperand(source));
      return;
    }
    const dst = this.#registers.define(index + 1);
    this.#emit({ op: "loadBits", channels: this.#channels, a: bitsOperand(source), dst });
  }

  #arithmetic(op: Arithmetic, index: number): void {
    const [a, b] = operandsOf(op, "register").map((register) => this.#registers.at(register));
    const [s, t] = this.#immediates(op);
    this.#registers.release(index);
    const dst = this.#registers.define(index + 1);
    this.#emit({ op: opName(op[0]), channels: this.#channels, a, b, s, t, dst });
  }

  #immediates(op: Arithmetic): (Field | undefined)[] {
    if (op[0] === "clamp") return [this.#filled(op[2]), this.#filled(op[3])];
    const tensors = operandsOf<string>(op, "tensor").map((key) => this.#perChannel(key));
    return op[0] === "shift" ? [undefined, ...tensors] : tensors;
  }

  #write(op: Write, index: number): void {
    const channels = this.#channels;
    const a = this.#registers.at(op[1]);
    if (op[0] === "bits") {
      const dst = bitsOperand(this.#input.layouts[op[3]]);
      const u = op[5] === 1 ? 1 : 0;
      this.#emit({ op: "bits", channels, a, s: this.#perChannel(op[2]), t: op[4], u, dst });
      return;
    }
    const dst = fromChannel(targetOperand(this.#input.layouts[op[2]]), op[3]);
    if (op[0] === "store") {
      if (!this.#registers.isHome(index, op[1])) this.#emit({ op: "store", channels, a, dst });
      return;
    }
    const sums = this.#rowSumTable();
    this.#emit({ op: "rowSums", channels, a, dst: sums });
    this.#finish.push({ op: "mean", channels, a: sums, dst });
  }

  #rowSumTable(): Operand {
    const { plan, index, shape } = this.#input;
    const row = vectorBytes(shape[2]);
    return { place: plan.temporary(shape[0] * row, index, index), pixel: 0, advance: row };
  }

  /** A per-channel tensor, filled up with zeros to whole vectors. */
  #perChannel(key: string): Field {
    const vector = new Float32Array(vectorBytes(this.#channels) / 4);
    vector.set(this.#input.tensors[key].data);
    return this.#input.plan.constant(vector);
  }

  /** The same number in every channel. */
  #filled(x: number): Field {
    return this.#input.plan.constant(new Float32Array(vectorBytes(this.#channels) / 4).fill(x));
  }

  get #channels(): number {
    return this.#input.shape[2];
  }

  #emit(instruction: Instruction): void {
    this.#body.push(instruction);
  }
}

function opName(name: Arithmetic[0]): Op {
  return name === "hard-sigmoid" ? "hardSigmoid" : name;
}

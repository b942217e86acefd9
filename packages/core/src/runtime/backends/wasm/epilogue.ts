import type { MapShape } from "../../../program/geometry.js";
import { operandsOf } from "../../../program/micro-ops.js";
import type { MicroOp, ProgramTensors, Register, ValueId } from "../../../program/types.js";
import type { ChannelRange } from "./channel-ranges.js";
import type { CodeOp, EpilogueShape, Stream } from "./codegen/epilogue-shape.js";
import { fromChannel, type Instruction, type Operand, vectorBytes } from "./instruction.js";
import { at, type Field, type MemoryPlan, type Place } from "./memory-plan.js";
import { firstPixel, targetOperand, type ValueLayout } from "./value-layout.js";

export interface EpilogueInput {
  readonly plan: MemoryPlan;
  readonly layouts: readonly ValueLayout[];
  readonly tensors: ProgramTensors;
  /** Values that stores leave means in: joined-pools.ts. */
  readonly halved: ReadonlySet<ValueId>;
  /** The step, its accumulator's shape and its rows per block. */
  readonly index: number;
  readonly shape: MapShape;
  readonly blockRows: number;
  /** The channels to work on. */
  readonly channels: ChannelRange;
  readonly epilogue: readonly MicroOp[];
  /** The value that is register 0 (a step whose accumulator is its input); else it gets a place. */
  readonly accumulator?: ValueLayout;
}

export interface CompiledEpilogue {
  /** Where the step's kernel leaves the accumulator of these channels. */
  readonly accumulator: Operand;
  /** Run on rows before any block of them. */
  readonly begin: readonly Instruction[];
  /** The generated function and its table; none where the kernel leaves nothing to do. */
  readonly code?: { readonly shape: EpilogueShape; readonly table: Place };
  readonly finish: readonly Instruction[];
}

const FLOATS: Stream = { kind: "floats", scratch: false, contiguous: true, halved: false };

/**
 * An epilogue as the shape of a generated function (codegen/epilogue-code.ts) and the table of
 * addresses for it. An accumulator that is stored whole lives in the value itself.
 */
export function compileEpilogue(input: EpilogueInput): CompiledEpilogue {
  return new EpilogueCompiler(input).compile();
}

class EpilogueCompiler {
  readonly #input: EpilogueInput;
  readonly #streams: Stream[] = [];
  /** Per stream: address, bytes per row, bytes from the end of a pixel to the next. */
  readonly #fields: Field[] = [];
  readonly #loads = new Map<number, CodeOp>();
  readonly #parameters: Float32Array[] = [];
  readonly #ops: CodeOp[] = [];
  readonly #begin: Instruction[] = [];
  readonly #finish: Instruction[] = [];
  /** Register of the code that holds each register of the epilogue. */
  readonly #registers: Register[] = [0];

  constructor(input: EpilogueInput) {
    this.#input = input;
  }

  compile(): CompiledEpilogue {
    const home = this.#input.accumulator ? -1 : this.#home();
    const { operand, from, bits } = this.#accumulator(home);
    this.#input.epilogue.forEach((op, index) => {
      this.#registers.push(index === home ? 0 : this.#compileOp(op));
    });
    const { shape, channels } = this.#input;
    const { count } = channels;
    const result = { accumulator: operand, begin: this.#begin, finish: this.#finish };
    if (this.#ops.length === 0) return result;
    if (this.#parameters.length > 0) this.#addParameters();
    return {
      ...result,
      code: {
        shape: {
          words: count >= 32,
          tail: count % 32,
          streams: this.#streams,
          parameters: this.#parameters.length,
          accumulator: { from, bits },
          ops: this.#ops,
        },
        table: this.#input.plan.constant([shape[1], count >> 5, ...this.#fields]),
      },
    };
  }

  /** The first store of the whole accumulator, or -1. */
  #home(): number {
    const { epilogue, layouts, shape, halved } = this.#input;
    const roots: Register[] = [0];
    return epilogue.findIndex((op, index) => {
      const writes = op[0] === "store" || op[0] === "bits" || op[0] === "mean";
      roots.push(writes ? roots[op[1]] : index + 1);
      if (op[0] !== "store" || halved.has(op[2])) return false;
      const whole = layouts[op[2]].value.shape[2] === shape[2];
      return whole && roots[index + 1] === 0;
    });
  }

  #accumulator(home: number): { operand: Operand; from: number; bits: boolean } {
    const { accumulator, epilogue, layouts, plan, shape, blockRows, channels } = this.#input;
    const op = epilogue[home];
    const value = accumulator ?? (op?.[0] === "store" ? layouts[op[2]] : undefined);
    if (value) {
      const operand = fromChannel(targetOperand(value), channels.first);
      return { operand, from: this.#value(value), bits: value.value.kind === "bits" };
    }
    const pixel = vectorBytes(channels.count);
    const row = shape[1] * pixel;
    const place = plan.scratch(blockRows * row);
    const from = this.#stream({ ...FLOATS, scratch: true }, place, row, 0);
    return { operand: { place, pixel, advance: 0 }, from, bits: false };
  }

  /** Adds an operation; returns the register that holds what the micro-op defines. */
  #compileOp(op: MicroOp): Register {
    if (op[0] === "load") return this.#define(this.#load(op[1]));
    const [a, b] = operandsOf(op, "register").map((register) => this.#registers[register]);
    switch (op[0]) {
      case "store":
      case "bits":
      case "mean":
        this.#write(op, a);
        return a;
      case "add":
      case "mul":
        return this.#define({ op: op[0], a, b });
      case "relu":
      case "sigmoid":
      case "hard-sigmoid":
        return this.#define({ op: op[0], a });
      default:
        return this.#define({ op: op[0], a, b, parameters: this.#operands(op) });
    }
  }

  #define(op: CodeOp): Register {
    return this.#ops.push(op);
  }

  #load(id: number): CodeOp {
    const known = this.#loads.get(id);
    if (known) return known;
    const layout = this.#input.layouts[id];
    const from = this.#value(layout);
    const op: CodeOp = { op: layout.value.kind === "bits" ? "load-bits" : "load", from };
    this.#loads.set(id, op);
    return op;
  }

  #write(op: Extract<MicroOp, readonly ["store" | "bits" | "mean", ...unknown[]]>, a: Register) {
    const { channels } = this.#input;
    if (op[0] === "bits") {
      const { value } = this.#input.layouts[op[3]];
      const rest = value.shape[2] - op[4] - this.#input.shape[2];
      this.#define({
        op: "bits",
        a,
        threshold: this.#parameter(this.#tensor(op[2])),
        to: this.#value(this.#input.layouts[op[3]], op[4]),
        shift: op[4] % 32,
        exclusive: op[4] % 32 === 0 && (channels.count % 32 === 0 || rest === 0),
        atEquality: op[5] === 1,
      });
      return;
    }
    const layout = this.#input.layouts[op[2]];
    if (op[0] === "store") {
      const exact = layout.value.shape[2] !== this.#input.shape[2];
      const halved = this.#input.halved.has(op[2]);
      const to = this.#value(layout, op[3], halved);
      this.#define({ op: halved ? "store-mean" : "store", a, to, exact });
      return;
    }
    this.#mean(a, fromChannel(targetOperand(layout), op[3] + channels.first));
  }

  /** Sums of rows while the block is at hand, their mean after the last block. */
  #mean(a: Register, dst: Operand): void {
    const { plan, index, shape, channels } = this.#input;
    const row = vectorBytes(channels.count);
    const place = plan.temporary(shape[0] * row, index, index);
    const sums = { place, pixel: 0, advance: row };
    const into = this.#stream({ ...FLOATS, contiguous: false }, place, row, -row);
    this.#define({ op: "sum", a, into });
    this.#begin.push({ op: "clear", channels: channels.count, dst: sums, u: 0 });
    this.#finish.push({ op: "mean", channels: channels.count, a: sums, dst });
  }

  /** The stream of a value whose channels from `offset` on are those of the step. */
  #value(layout: ValueLayout, offset = 0, halved = false): number {
    const { channels } = this.#input;
    const channel = offset + channels.first;
    const { value, place, pixelBytes, rowBytes } = layout;
    if (value.kind === "bits") {
      const gap = pixelBytes - 4 * Math.ceil(channels.count / 32);
      const first = at(firstPixel(layout), 4 * Math.floor(channel / 32));
      const stream: Stream = { ...FLOATS, kind: "bits", contiguous: gap === 0 };
      return this.#stream(stream, first, rowBytes, gap);
    }
    const walked = vectorBytes(channels.count);
    const gap = value.kind === "vector" ? -walked : pixelBytes - walked;
    const row = value.kind === "vector" ? 0 : rowBytes;
    const stream = { ...FLOATS, contiguous: gap === 0, halved };
    return this.#stream(stream, at(place, 4 * channel), row, gap);
  }

  #stream(stream: Stream, place: Place, rowBytes: number, gap: number): number {
    this.#fields.push(place, rowBytes, gap);
    return this.#streams.push(stream) - 1;
  }

  /** Per-channel operands, clamp's bounds and mix's s and 1 - s. */
  #operands(op: MicroOp): number[] {
    const { shape, tensors } = this.#input;
    if (op[0] === "clamp") {
      return [op[2], op[3]].map((x) => this.#parameter(new Float32Array(shape[2]).fill(x)));
    }
    const keys = operandsOf<string>(op, "tensor");
    const own = keys.map((key) => this.#parameter(this.#tensor(key)));
    if (op[0] !== "mix") return own;
    const amount = tensors[op[3]].data as Float32Array;
    return [...own, this.#parameter(amount.map((a) => 1 - a))];
  }

  #tensor(key: string): Float32Array {
    return this.#input.tensors[key].data as Float32Array;
  }

  #parameter(values: Float32Array): number {
    return this.#parameters.push(values) - 1;
  }

  /** All parameters of 4 channels, then of the next 4. */
  #addParameters(): void {
    const { first, count } = this.#input.channels;
    const quads = Math.ceil(count / 4);
    const tensors = this.#parameters.length;
    const data = new Float32Array(4 * quads * tensors);
    this.#parameters.forEach((values, p) => {
      for (let c = 0; c < count; c++) {
        data[((c >> 2) * tensors + p) * 4 + (c & 3)] = values[first + c];
      }
    });
    const bytes = data.byteLength;
    const place = this.#input.plan.constant(data);
    this.#stream({ ...FLOATS, kind: "parameters", contiguous: false }, place, 0, -bytes);
  }
}

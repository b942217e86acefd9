import type { MapShape } from "../../../program/geometry.js";
import { type Computing, isComputing, MICRO_OPS, writeOf } from "../../../program/micro-ops.js";
import type {
  MicroOp,
  ProgramTensors,
  Register,
  TensorKey,
  ValueId,
} from "../../../program/types.js";
import { type ChannelRange, WORD } from "./channel-ranges.js";
import type { CodeOp, EpilogueShape, Stream } from "./codegen/epilogue-shape.js";
import { fromChannel, type Instruction, type Operand, vectorBytes } from "./instruction.js";
import { at, type Field, type MemoryPlan, type Place } from "./memory-plan.js";
import { firstPixel, isNarrow, targetOperand, type ValueLayout } from "./value-layout.js";

export interface EpilogueInput {
  readonly plan: MemoryPlan;
  readonly layouts: readonly ValueLayout[];
  readonly tensors: ProgramTensors;
  /** The step, its accumulator's shape and its rows per block. */
  readonly index: number;
  readonly shape: MapShape;
  readonly blockRows: number;
  readonly epilogue: readonly MicroOp[];
  /** The value that is register 0 (a step whose accumulator is its input); else it gets a place. */
  readonly accumulator?: ValueLayout;
  /** The kernel leaves signs, in bits. */
  readonly bits?: boolean;
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

/**
 * An epilogue, of some or all channels, as the shape of a generated function
 * (codegen/epilogue-code.ts) and the table of addresses for it. An accumulator that is stored whole
 * lives in the value itself.
 */
export function compileEpilogue(input: EpilogueInput, channels: ChannelRange): CompiledEpilogue {
  return new EpilogueCompiler(input, channels).compile();
}

/** Where a stream begins, its bytes per row, and those from the end of a pixel to the next. */
interface Walk {
  readonly kind: Stream["kind"];
  readonly place: Place;
  readonly rowBytes: number;
  readonly gap: number;
  readonly scratch?: boolean;
  readonly halved?: boolean;
  readonly turns?: Turns;
}

/** Words of channels to the first turn back to channel 0 in a pixel, and from turn to turn. */
type Turns = readonly [first: number, words: number];

/** What is special about the walk over a value. */
type ValueWalk = Pick<Walk, "halved" | "turns"> & { readonly walked?: number };

class EpilogueCompiler {
  readonly #input: EpilogueInput;
  readonly #channels: ChannelRange;
  readonly #streams: Stream[] = [];
  /** Of each stream's walk. */
  readonly #fields: Field[] = [];
  /** Of each stream that repeats. */
  readonly #turns: number[] = [];
  readonly #loads = new Map<number, CodeOp>();
  readonly #parameters: Float32Array[] = [];
  readonly #ops: CodeOp[] = [];
  readonly #begin: Instruction[] = [];
  readonly #finish: Instruction[] = [];
  /** Register of the code that holds each register of the epilogue. */
  readonly #registers: Register[] = [0];

  constructor(input: EpilogueInput, channels: ChannelRange) {
    this.#input = input;
    this.#channels = channels;
  }

  compile(): CompiledEpilogue {
    const { epilogue, shape } = this.#input;
    const { count } = this.#channels;
    const home = this.#input.accumulator || this.#input.bits ? -1 : this.#home();
    const { operand, from, bits } = this.#accumulator(home);
    epilogue.forEach((op, index) => {
      this.#registers.push(index === home ? 0 : this.#compileOp(op));
    });
    const [begin, finish] = [this.#begin, this.#finish];
    if (this.#ops.length === 0) return { accumulator: operand, begin, finish };
    if (this.#parameters.length > 0) this.#addParameters();
    const code = {
      shape: {
        words: count >= 32,
        tail: count % 32,
        streams: this.#streams,
        parameters: this.#parameters.length,
        accumulator: { from, bits },
        ops: this.#ops,
      },
      table: this.#input.plan.constant([shape[1], count >> 5, ...this.#fields, ...this.#turns]),
    };
    return { accumulator: operand, begin, code, finish };
  }

  /** The first store of the whole accumulator as it is, or -1. */
  #home(): number {
    const { epilogue, layouts, shape } = this.#input;
    const roots: Register[] = [0];
    return epilogue.findIndex((op, index) => {
      roots.push(writeOf(op) ? roots[op[1] as Register] : index + 1);
      if (op[0] !== "store") return false;
      const { value } = layouts[op[2]];
      return value.shape[2] === shape[2] && !isNarrow(value) && roots[index + 1] === 0;
    });
  }

  #accumulator(home: number): { operand: Operand; from: number; bits: boolean } {
    const { accumulator, epilogue, layouts, plan, shape, blockRows, bits = false } = this.#input;
    const { first, count } = this.#channels;
    const op = epilogue[home];
    const value = accumulator ?? (op?.[0] === "store" ? layouts[op[2]] : undefined);
    if (value) {
      const operand = fromChannel(targetOperand(value), first);
      return { operand, from: this.#value(value), bits: value.value.kind === "bits" };
    }
    const pixel = bits ? 4 * Math.ceil(count / WORD) : vectorBytes(count);
    const rowBytes = shape[1] * pixel;
    const place = plan.scratch(blockRows * rowBytes);
    const kind = bits ? "bits" : "floats";
    const from = this.#stream({ kind, place, rowBytes, gap: 0, scratch: true });
    return { operand: { place, pixel, advance: 0 }, from, bits };
  }

  /** Adds an operation; returns the register that holds what the micro-op defines. */
  #compileOp(op: MicroOp): Register {
    if (isComputing(op)) return this.#define(this.#computing(op));
    if (op[0] === "load") return this.#define(this.#load(op[1]));
    const a = this.#registers[op[1]];
    switch (op[0]) {
      case "store":
      case "mean-2x2":
        this.#store(op[0], a, op[2], op[3]);
        return a;
      case "bits":
        this.#bits(a, op);
        return a;
      case "mean":
        this.#mean(
          a,
          fromChannel(targetOperand(this.#input.layouts[op[2]]), op[3] + this.#channels.first),
        );
        return a;
      default:
        return op satisfies never;
    }
  }

  #computing(op: Computing): CodeOp {
    const inputs: Register[] = [];
    const parameters: number[] = [];
    let zero: number | undefined;
    MICRO_OPS[op[0]].forEach((sort, i) => {
      const operand = op[i + 1];
      if (sort === "register") inputs.push(this.#registers[operand as Register]);
      else if (sort === "tensor") parameters.push(this.#tensor(operand as TensorKey));
      else if (sort === "zero") zero = operand as number;
      else parameters.push(this.#number(operand as number));
    });
    return { op: op[0], inputs, parameters, zero };
  }

  #define(op: CodeOp): Register {
    return this.#ops.push(op);
  }

  #load(id: ValueId): CodeOp {
    const known = this.#loads.get(id);
    if (known) return known;
    const layout = this.#input.layouts[id];
    const from = this.#loaded(layout);
    const op: CodeOp = { op: layout.value.kind === "bits" ? "load-bits" : "load", from };
    this.#loads.set(id, op);
    return op;
  }

  #store(op: "store" | "mean-2x2", a: Register, id: ValueId, offset: number): void {
    const { layouts, shape } = this.#input;
    const exact = layouts[id].value.shape[2] !== shape[2];
    const to = this.#value(layouts[id], offset, { halved: op === "mean-2x2" });
    this.#define({ op, a, to, exact });
  }

  #bits(
    a: Register,
    [, , threshold, id, offset, zero]: Extract<MicroOp, readonly ["bits", ...unknown[]]>,
  ): void {
    const { layouts, shape } = this.#input;
    const layout = layouts[id];
    const rest = layout.value.shape[2] - offset - shape[2];
    this.#define({
      op: "bits",
      a,
      threshold: this.#tensor(threshold),
      to: this.#value(layout, offset),
      shift: offset % 32,
      exclusive: offset % 32 === 0 && (this.#channels.count % 32 === 0 || rest === 0),
      atEquality: zero === 1,
    });
  }

  /** Sums of rows while the block is at hand, their mean after the last block. */
  #mean(a: Register, dst: Operand): void {
    const { plan, index, shape } = this.#input;
    const { count } = this.#channels;
    const rowBytes = vectorBytes(count);
    const place = plan.temporary(shape[0] * rowBytes, index, index);
    const sums = { place, pixel: 0, advance: rowBytes };
    const into = this.#stream({ kind: "floats", place, rowBytes, gap: -rowBytes });
    this.#define({ op: "sum", a, into });
    this.#begin.push({ op: "clear", channels: count, dst: sums, u: 0 });
    this.#finish.push({ op: "mean", channels: count, a: sums, dst });
  }

  /** The stream of a value that repeats where it has fewer channels than the step. */
  #loaded(layout: ValueLayout): number {
    const { first, count } = this.#channels;
    const channels = layout.value.shape[2];
    const start = first % channels;
    if (start + count <= channels) return this.#value(layout, start - first);
    const end = (start + count) % channels;
    const turns = [(channels - start) / WORD, channels / WORD] as const;
    return this.#value(layout, start - first, { walked: end - start, turns });
  }

  /**
   * The stream of a value whose channels from `offset` on are those of the step. walked: channels
   * from where a pixel begins to where it ends.
   */
  #value(
    layout: ValueLayout,
    offset = 0,
    { halved = false, walked = this.#channels.count, turns }: ValueWalk = {},
  ): number {
    const channel = offset + this.#channels.first;
    const { value, place, pixelBytes, rowBytes } = layout;
    if (value.kind === "bits") {
      const gap = pixelBytes - 4 * Math.ceil(walked / WORD);
      const from = at(firstPixel(layout), 4 * Math.floor(channel / WORD));
      return this.#stream({ kind: "bits", place: from, rowBytes, gap, turns });
    }
    const bytes = vectorBytes(walked);
    if (isNarrow(value)) {
      const from = at(place, 2 * channel);
      return this.#stream({
        kind: "bfloats",
        place: from,
        rowBytes,
        gap: pixelBytes - bytes / 2,
        turns,
      });
    }
    const from = at(place, 4 * channel);
    if (value.kind === "vector") {
      return this.#stream({ kind: "floats", place: from, rowBytes: 0, gap: -bytes, turns });
    }
    return this.#stream({
      kind: "floats",
      place: from,
      rowBytes,
      gap: pixelBytes - bytes,
      halved,
      turns,
    });
  }

  #stream({ kind, place, rowBytes, gap, turns, scratch = false, halved = false }: Walk): number {
    this.#fields.push(place, rowBytes, gap);
    if (turns) this.#turns.push(...turns);
    const repeats = turns !== undefined;
    return this.#streams.push({ kind, scratch, contiguous: gap === 0, halved, repeats }) - 1;
  }

  #tensor(key: string): number {
    return this.#parameter(this.#input.tensors[key].data as Float32Array);
  }

  #number(value: number): number {
    const { plan, shape } = this.#input;
    plan.checkSize(4 * shape[2] * (this.#parameters.length + 1));
    return this.#parameter(new Float32Array(shape[2]).fill(value));
  }

  #parameter(values: Float32Array): number {
    return this.#parameters.push(values) - 1;
  }

  /** All parameters of 4 channels, then of the next 4. */
  #addParameters(): void {
    const { first, count } = this.#channels;
    const stride = 4 * this.#parameters.length;
    this.#input.plan.checkSize(Math.ceil(count / 4) * stride * 4);
    const data = new Float32Array(Math.ceil(count / 4) * stride);
    this.#parameters.forEach((values, p) => {
      spread(values.subarray(first, first + count), data, 4 * p, stride);
    });
    const place = this.#input.plan.constant(data);
    this.#stream({ kind: "parameters", place, rowBytes: 0, gap: -data.byteLength });
  }
}

/** Four values at `to`, the next four `stride` further on, and so on. */
function spread(values: Float32Array, data: Float32Array, to: number, stride: number): void {
  const { length } = values;
  for (let c = 0; c < length; c += 4, to += stride) {
    data[to] = values[c];
    if (c + 1 < length) data[to + 1] = values[c + 1];
    if (c + 2 < length) data[to + 2] = values[c + 2];
    if (c + 3 < length) data[to + 3] = values[c + 3];
  }
}

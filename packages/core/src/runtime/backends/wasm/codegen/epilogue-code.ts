import { FunctionBody, type Local } from "./assembler.js";
import { loadBfloats, storeBfloats } from "./bfloats.js";
import {
  type CodeOp,
  type EpilogueShape,
  STREAM_FIELDS,
  type Stream,
  TABLE_HEAD,
  TURN_FIELDS,
} from "./epilogue-shape.js";
import { CODE } from "./micro-op-code.js";
import { PoolWindow } from "./pool-window.js";

/** Of a generated function: (table, first row, rows, address of the thread's scratch). */
export const EPILOGUE_PARAMETERS = 4;
const [TABLE, FIRST_ROW, ROWS, SCRATCH] = [0, 1, 2, 3];

const VECTOR = 16;
/** Of bfloats. */
const HALF_VECTOR = 8;
const WORD_QUADS = 8;

/**
 * The code of an epilogue, one pass over a block of rows, registers in locals:
 *
 *   for each row: point every stream at it
 *     for each pixel
 *       for each 32 channels, then the rest: for each 4 channels
 *         every operation in turn, one rounding each
 *
 * Cost: that of the operations, a load per per-channel tensor, and per pixel 3 to 4 instructions
 * per stream. Measured as the kernels are (node kernels/measure.mjs pointwise; ns per element, best
 * run): store 0.10, affine 0.13, four affines 0.29, bits and store 0.15, mean and store 0.25.
 */
export function epilogueBody(shape: EpilogueShape): FunctionBody {
  return new EpilogueCode(shape).emit();
}

class EpilogueCode {
  readonly #shape: EpilogueShape;
  readonly #b = new FunctionBody(EPILOGUE_PARAMETERS);
  readonly #pointers: readonly Local[];
  readonly #registers: readonly Local[];
  /** Of all parameters. */
  readonly #parameters: Local;
  /** Of bits written: the word so far, and masks waiting for their neighbours. */
  readonly #words = new Map<CodeOp, { word: Local; narrow: Local; mask: Local }>();
  /** Of halved streams. */
  readonly #window: PoolWindow | undefined;
  /** Of bits read: the word, in all lanes. */
  readonly #loaded = new Map<number, Local>();
  /** Of streams that repeat: words to the next turn, and its fields in the table. */
  readonly #turns = new Map<number, { left: Local; first: number; words: number }>();

  constructor(shape: EpilogueShape) {
    this.#shape = shape;
    const b = this.#b;
    this.#pointers = shape.streams.map(() => b.local("i32"));
    this.#registers = [undefined, ...shape.ops].map(() => b.local("v128"));
    this.#parameters = this.#pointers[shape.streams.findIndex(({ kind }) => kind === "parameters")];
    for (const op of shape.ops) {
      if (op.op !== "bits") continue;
      const [narrow, mask] = [b.local("v128"), b.local("v128")];
      this.#words.set(op, { word: b.local("i32"), narrow, mask });
    }
    const means = this.#pointers.filter((_, i) => shape.streams[i].halved);
    if (means.length > 0) this.#window = new PoolWindow(b, means);
    for (const stream of this.#bitsRead()) this.#loaded.set(stream, b.local("v128"));
    shape.streams.forEach(({ repeats }, i) => {
      if (!repeats) return;
      const first = fieldOffset(shape.streams.length, TURN_FIELDS * this.#turns.size);
      this.#turns.set(i, { left: b.local("i32"), first, words: first + 4 });
    });
  }

  emit(): FunctionBody {
    const b = this.#b;
    const [y, x] = [b.local("i32"), b.local("i32")];
    b.get(FIRST_ROW).set(y);
    b.repeat(() => {
      this.#pointAtRow(y);
      b.get(TABLE).access("i32.load", 0).set(x);
      b.repeat(() => {
        this.#window?.enter(x, y);
        this.#pixel();
        this.#window?.leave();
        b.get(x).const(1).op("i32.sub").tee(x);
      });
      b.get(y).const(1).op("i32.add").tee(y);
      b.get(FIRST_ROW).get(ROWS).op("i32.add").op("i32.ne");
    });
    return b;
  }

  /** pointer = address + y * bytes per row; scratch counts rows from the block's first. */
  #pointAtRow(y: Local): void {
    const b = this.#b;
    this.#shape.streams.forEach(({ scratch, halved }, i) => {
      b.get(TABLE).access("i32.load", fieldOffset(i, 0)).get(y);
      if (halved) b.const(1).op("i32.shr_u");
      if (scratch) b.get(FIRST_ROW).op("i32.sub");
      b.get(TABLE).access("i32.load", fieldOffset(i, 1)).op("i32.mul").op("i32.add");
      if (scratch) b.get(SCRATCH).op("i32.add");
      b.set(this.#pointers[i]);
    });
  }

  #pixel(): void {
    const b = this.#b;
    const { words, tail, streams } = this.#shape;
    for (const { left, first } of this.#turns.values()) {
      b.get(TABLE).access("i32.load", first).set(left);
    }
    if (words) {
      const left = this.#leftWords();
      b.get(TABLE).access("i32.load", 4).set(left);
      b.repeat(() => {
        this.#channels(WORD_QUADS, 0);
        b.get(left).const(1).op("i32.sub").tee(left);
      });
    }
    if (tail > 0) this.#channels(Math.ceil(tail / 4), tail);
    streams.forEach(({ contiguous }, i) => {
      if (contiguous) return;
      b.get(this.#pointers[i]).get(TABLE).access("i32.load", fieldOffset(i, 2));
      b.op("i32.add").set(this.#pointers[i]);
    });
  }

  #left: Local | undefined;
  #leftWords(): Local {
    this.#left ??= this.#b.local("i32");
    return this.#left;
  }

  /** All operations on up to 32 channels; `tail`: how many there are, 0 for all 32. */
  #channels(quads: number, tail: number): void {
    const b = this.#b;
    for (const [stream, word] of this.#loaded) {
      b.get(this.#pointers[stream]).access("i32.load", 0).op("i32x4.splat").set(word);
    }
    for (let quad = 0; quad < quads; quad++) this.#quad(quad, quads, tail);
    for (const op of this.#shape.ops) if (op.op === "bits") this.#storeWord(op, tail);
    this.#shape.streams.forEach((stream, i) => {
      const walked = this.#walked(stream, quads);
      b.get(this.#pointers[i]).const(walked).op("i32.add").set(this.#pointers[i]);
      this.#turn(i, walked);
    });
  }

  /** From the end of the value's channels back to their beginning; bytes: of a word of channels. */
  #turn(stream: number, bytes: number): void {
    const turn = this.#turns.get(stream);
    if (!turn) return;
    const b = this.#b;
    const [pointer, { left, words }] = [this.#pointers[stream], turn];
    b.get(left).const(1).op("i32.sub").tee(left).op("i32.eqz");
    b.when(() => {
      b.get(TABLE).access("i32.load", words).set(left);
      b.get(pointer).get(left).const(bytes).op("i32.mul").op("i32.sub").set(pointer);
    });
  }

  #walked({ kind }: Stream, quads: number): number {
    if (kind === "bits") return 4;
    if (kind === "bfloats") return quads * HALF_VECTOR;
    return quads * VECTOR * (kind === "parameters" ? this.#shape.parameters : 1);
  }

  #quad(quad: number, quads: number, tail: number): void {
    const { accumulator, ops } = this.#shape;
    const lanes = quad === quads - 1 && tail % 4 > 0 ? tail % 4 : 4;
    if (accumulator.bits) this.#signs(accumulator.from, quad);
    else this.#float(accumulator.from, quad);
    this.#b.set(this.#registers[0]);
    ops.forEach((op, i) => {
      if (this.#write(op, quad, quads, lanes)) return;
      this.#value(op, quad);
      this.#b.set(this.#registers[i + 1]);
      if (op.op !== "mean-2x2") return;
      this.#store(op.to, this.#registers[i + 1], quad, op.exact ? lanes : 4);
    });
  }

  /** Emits a write; false where the operation computes something. */
  #write(op: CodeOp, quad: number, quads: number, lanes: number): boolean {
    const b = this.#b;
    switch (op.op) {
      case "store":
        this.#store(op.to, this.#registers[op.a], quad, op.exact ? lanes : 4);
        return true;
      case "sum":
        b.get(this.#pointers[op.into]);
        this.#float(op.into, quad);
        b.get(this.#registers[op.a])
          .op("f32x4.add")
          .access("v128.store", quad * VECTOR);
        return true;
      case "bits":
        this.#compare(op, quad, quads);
        return true;
      default:
        return false;
    }
  }

  #store(stream: number, value: Local, quad: number, lanes: number): void {
    const b = this.#b;
    const pointer = this.#pointers[stream];
    if (this.#isNarrow(stream)) {
      storeBfloats(b, { pointer, value, offset: quad * HALF_VECTOR, lanes });
      return;
    }
    if (lanes === 4) {
      b.get(pointer)
        .get(value)
        .access("v128.store", quad * VECTOR);
      return;
    }
    for (let lane = 0; lane < lanes; lane++) {
      b.get(pointer)
        .get(value)
        .storeLane(32, lane, quad * VECTOR + 4 * lane);
    }
  }

  #isNarrow(stream: number): boolean {
    return this.#shape.streams[stream].kind === "bfloats";
  }

  /** Leaves the value of an operation on the stack. */
  #value(op: CodeOp, quad: number): void {
    const b = this.#b;
    switch (op.op) {
      case "load":
        this.#float(op.from, quad);
        break;
      case "load-bits":
        this.#signs(op.from, quad);
        break;
      case "mean-2x2":
        this.#float(op.to, quad);
        this.#window?.add(this.#registers[op.a]);
        break;
      case "store":
      case "sum":
      case "bits":
        throw new Error(`wasm: ${op.op} has no value`);
      default: {
        const { inputs, parameters, zero } = op;
        CODE[op.op]({
          b,
          zero,
          r: (index = 0) => b.get(this.#registers[inputs[index]]),
          parameter: (index) => this.#parameter(parameters[index], quad),
        });
      }
    }
  }

  #float(stream: number, quad: number): void {
    const b = this.#b.get(this.#pointers[stream]);
    if (this.#isNarrow(stream)) loadBfloats(b, quad * HALF_VECTOR);
    else b.access("v128.load", quad * VECTOR);
  }

  #parameter(index: number, quad: number): FunctionBody {
    const offset = (quad * this.#shape.parameters + index) * VECTOR;
    return this.#b.get(this.#parameters).access("v128.load", offset);
  }

  /** Four bits of the loaded word as -1 and +1. */
  #signs(stream: number, quad: number): void {
    const word = this.#loaded.get(stream);
    if (word === undefined) throw new Error("wasm: bits that were not loaded");
    const [one, two, four, eight] = [1, 2, 4, 8].map((bit) => bit << (4 * quad));
    const b = this.#b;
    b.splat(1).splat(-1);
    b.get(word).lanes(one, two, four, eight).op("v128.and");
    b.lanes(one, two, four, eight).op("i32x4.eq").op("v128.bitselect");
  }

  /** 4 comparisons; every 16 are narrowed to bits of the word. */
  #compare(op: Extract<CodeOp, { op: "bits" }>, quad: number, quads: number): void {
    const b = this.#b;
    const state = this.#words.get(op);
    if (!state) throw new Error("wasm: bits without a word");
    const { word, narrow, mask } = state;
    const last = quad === quads - 1;
    const place = quad % 4;
    if (place % 2 === 1) b.get(mask);
    b.get(this.#registers[op.a]);
    this.#parameter(op.threshold, quad);
    b.op(op.atEquality ? "f32x4.ge" : "f32x4.gt");
    if (place % 2 === 0 && !last) {
      b.set(mask);
      return;
    }
    if (place % 2 === 0) b.splat(0);
    b.op("i16x8.narrow_i32x4_s");
    if (place < 2 && !last) {
      b.set(narrow);
      return;
    }
    if (place < 2) b.splat(0);
    else b.set(mask).get(narrow).get(mask);
    b.op("i8x16.narrow_i16x8_s").op("i8x16.bitmask");
    if (quad >= 4) b.const(16).op("i32.shl").get(word).op("i32.or");
    b.set(word);
  }

  #storeWord(op: Extract<CodeOp, { op: "bits" }>, tail: number): void {
    const b = this.#b;
    const word = this.#words.get(op)?.word ?? 0;
    const pointer = this.#pointers[op.to];
    if (tail > 0)
      b.get(word)
        .const((2 ** tail - 1) | 0)
        .op("i32.and")
        .set(word);
    if (op.exclusive) {
      b.get(pointer).get(word).access("i32.store", 0);
      return;
    }
    b.get(pointer).get(pointer).access("i32.load", 0);
    b.get(word).const(op.shift).op("i32.shl").op("i32.or").access("i32.store", 0);
    if (op.shift === 0) return;
    b.get(word)
      .const(32 - op.shift)
      .op("i32.shr_u")
      .tee(word);
    b.when(() => {
      b.get(pointer).get(pointer).access("i32.load", 4);
      b.get(word).op("i32.or").access("i32.store", 4);
    });
  }

  #bitsRead(): Set<number> {
    const { accumulator, ops } = this.#shape;
    const reads = ops.flatMap((op) => (op.op === "load-bits" ? [op.from] : []));
    return new Set(accumulator.bits ? [accumulator.from, ...reads] : reads);
  }
}

/** Byte of a stream's field in the table. */
function fieldOffset(stream: number, field: number): number {
  return 4 * (TABLE_HEAD + STREAM_FIELDS * stream + field);
}

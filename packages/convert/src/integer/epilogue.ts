import type { MicroOp, ProgramTensors, Step } from "onebit/program";
import {
  fractionFor,
  fractionThatFits,
  NARROW,
  roomOf,
  type Scaled,
  scaled,
} from "./fixed-point.js";
import { type Form, type Interval, intervalOf } from "./interval.js";
import { noInteger } from "./no-integer.js";
import { SIGMOID_IN, SIGMOID_OUT } from "./sigmoid.js";
import { type Column, type IntegerOp, MOST, type Ref } from "./types.js";

/** What an epilogue is lowered from. */
export interface EpilogueFacts {
  readonly step: Step;
  readonly channels: number;
  readonly pixels: number;
  readonly tensors: ProgramTensors;
  readonly fractions: readonly number[];
  readonly isBits: (value: number) => boolean;
  /** Largest number of a register, with headroom. */
  readonly range: (register: number) => number;
  /** Of the accumulator itself, by number of the micro-op. */
  readonly folded: ReadonlyMap<number, Interval>;
}

/** The element-wise operations of a step. */
export function lowerEpilogue(facts: EpilogueFacts, accumulator: Omit<Form, "of">): IntegerOp[] {
  const lowering = new Lowering(facts, { of: 0, ...accumulator });
  facts.step.epilogue.forEach((op, i) => {
    lowering.write(op, i);
  });
  return lowering.operations;
}

type Writing = Extract<MicroOp, readonly ["store" | "bits" | "mean" | "mean-2x2", ...unknown[]]>;

class Lowering {
  readonly operations: IntegerOp[] = [];
  readonly #facts: EpilogueFacts;
  readonly #forms = new Map<number, Form>();
  readonly #loaded = new Map<number, Form>();
  readonly #computed = new Map<string, Form>();

  constructor(facts: EpilogueFacts, accumulator: Form) {
    this.#facts = facts;
    this.#forms.set(0, accumulator);
  }

  /** Only what is written is computed. */
  write(op: MicroOp, index: number): void {
    switch (op[0]) {
      case "store":
        this.#store(op);
        return;
      case "bits":
        this.#bits(op, index);
        return;
      case "mean":
        this.#mean(op);
        return;
      case "mean-2x2":
        this.#meanOfFour(op);
        return;
      default:
    }
  }

  #store([, register, value, offset]: Extract<Writing, readonly ["store", ...unknown[]]>): void {
    const { of } = this.#as(register, this.#facts.fractions[value]);
    this.#push({ kind: "store", of, value, offset });
  }

  #bits(op: Extract<Writing, readonly ["bits", ...unknown[]]>, index: number): void {
    const [, register, key, value, offset, zero] = op;
    const known = this.#facts.folded.get(index);
    const form: Form = known ? this.#forms.get(0)! : this.#form(register);
    const interval = known ?? intervalOf(form, this.#column(key), zero === 1);
    this.#push({ kind: "bits", of: form.of, ...interval, value, offset });
  }

  #mean([, register, value, offset]: Extract<Writing, readonly ["mean", ...unknown[]]>): void {
    const { pixels, fractions } = this.#facts;
    const { of, bound, factor } = this.#plain(register);
    const room = roomOf([bound * pixels], true);
    const share = (factor[0] * 2 ** fractions[value]) / pixels;
    const { by, shift } = scaled([share], 0, room);
    const wide = bound * pixels >= 2 ** 31;
    this.#push({ kind: "mean", of, by: by[0], shift, wide, value, offset });
  }

  #meanOfFour(op: Extract<Writing, readonly ["mean-2x2", ...unknown[]]>): void {
    const [, register, value, offset] = op;
    const { of } = this.#as(register, this.#facts.fractions[value] - 2, MOST >> 2);
    this.#push({ kind: "mean-2x2", of, value, offset });
  }

  /** What register r is. */
  #form(r: number): Form {
    const known = this.#forms.get(r);
    if (known) return known;
    const form = this.#compute(this.#facts.step.epilogue[r - 1], r);
    this.#forms.set(r, form);
    return form;
  }

  #compute(op: MicroOp, r: number): Form {
    switch (op[0]) {
      case "load":
        return this.#load(op[1]);
      case "affine":
        return this.#affine(op[1], this.#column(op[2]), this.#column(op[3]));
      case "shift":
        return this.#affine(op[1], this.#all(1), this.#column(op[2]));
      case "scale":
        return this.#affine(op[1], this.#column(op[2]), this.#all(0));
      case "prelu":
        return this.#prelu(op[1], this.#column(op[2]), r);
      case "relu":
        return this.#clamp(this.#as(op[1], this.#fraction(op[1])), 0, Number.POSITIVE_INFINITY);
      case "clamp": {
        const range = Math.max(this.#facts.range(r), Math.abs(op[2]), Math.abs(op[3]));
        return this.#clamp(this.#as(op[1], fractionFor(range)), op[2], op[3]);
      }
      case "hard-sigmoid":
        return this.#hardSigmoid(op[1]);
      case "sigmoid": {
        const { of } = this.#as(op[1], SIGMOID_IN);
        return this.#made({ kind: "sigmoid", of }, SIGMOID_OUT, WITHIN_16);
      }
      case "add":
        return this.#sum(this.#form(op[1]), this.#form(op[2]), r);
      case "mix": {
        const amount = this.#column(op[3]);
        const rest = amount.map((a) => 1 - a);
        const none = this.#all(0);
        const [p, y] = [this.#form(op[1]), this.#form(op[2])];
        return this.#sum(composed(p, amount, none), composed(y, rest, none), r);
      }
      case "mul":
        return this.#product(op[1], op[2], r);
      case "store":
      case "bits":
      case "mean":
      case "mean-2x2":
        return this.#form(op[1]);
      default:
        throw noInteger(this.#facts.step, `micro-ops "${op[0]}"`);
    }
  }

  #load(value: number): Form {
    const known = this.#loaded.get(value);
    if (known) return known;
    const isBits = this.#facts.isBits(value);
    const fraction = this.#facts.fractions[value];
    const form = this.#made({ kind: "load", value }, fraction, isBits ? WITHIN_1 : WITHIN_16);
    this.#loaded.set(value, form);
    return form;
  }

  #affine(register: number, by: Column, plus: Column): Form {
    return composed(this.#form(register), by, plus);
  }

  #prelu(register: number, slopes: Column, r: number): Form {
    const wanted = Math.min(this.#fraction(register), fractionFor(this.#facts.range(r)));
    const { of, bound, factor } = this.#as(register, wanted);
    const room = roomOf([bound], false);
    const columns = slopes.map((slope) => scaled([slope], 0, room));
    const most = Math.max(
      ...columns.map(({ by, shift }) => Math.floor((bound * Math.abs(by[0])) / 2 ** shift) + 1),
    );
    const { by, shift } = inColumns(columns);
    // What is above 0 stays as it is, within 16 bits.
    const limit = most > MOST ? MOST : undefined;
    const made = this.#push({ kind: "prelu", of, by: by[0], shift, limit });
    return { of: made, ...WITHIN_16, factor, offset: this.#all(0) };
  }

  #clamp(form: Form, low: number, high: number): Form {
    const within = (x: number) =>
      Math.max(-MOST, Math.min(MOST, Math.round(x / form.factor[0]))) + 0;
    const op: IntegerOp = { kind: "clamp", of: form.of, low: within(low), high: within(high) };
    return { ...form, of: this.#push(op) };
  }

  /** 12 bits of fraction leave room for 0 to 6, and what is beyond is clamped anyway. */
  #hardSigmoid(register: number): Form {
    const moved = composed(this.#form(register), this.#all(1), this.#all(3));
    const clamped = this.#clamp(this.#materialised(moved, 12, MOST), 0, 6);
    return composed(clamped, this.#all(1 / 6), this.#all(0));
  }

  #sum(first: Form, second: Form, r: number): Form {
    if (first.of === second.of) return { ...first, ...added(first, second) };
    const [a, b] = [this.#narrow(first), this.#narrow(second)];
    const room = roomOf([a.bound, b.bound], false);
    const most = fractionThatFits([a.factor, b.factor], room);
    const fraction = Math.min(this.#fraction(r), most);
    const columns = a.factor.map((factor, c) =>
      scaled(
        [factor * 2 ** fraction, b.factor[c] * 2 ** fraction],
        (a.offset[c] + b.offset[c]) * 2 ** fraction,
        room,
      ),
    );
    const { range, limit } = limited(boundOf(columns, [a.bound, b.bound]));
    const { by, ...rest } = inColumns(columns);
    const [of, other] = [a.of, b.of];
    const op: IntegerOp = { kind: "sum", of, other, by: by[0], byOther: by[1], ...rest, limit };
    return this.#made(op, fraction, range);
  }

  #product(first: number, second: number, r: number): Form {
    const [a, b] = [this.#plain(first), this.#plain(second)];
    const unit = a.factor[0] * b.factor[0];
    const bits = Math.ceil(Math.log2(Math.max(1, this.#facts.range(r) / unit)));
    const shift = Math.min(30, Math.max(0, bits - 15));
    const { range, limit } = limited(Math.floor((a.bound * b.bound) / 2 ** shift) + 1);
    const of = this.#push({ kind: "product", of: a.of, other: b.of, shift, limit });
    return { of, ...range, factor: this.#all(unit * 2 ** shift), offset: this.#all(0) };
  }

  /** Register r with one factor for all channels, and within int16. */
  #plain(r: number): Form {
    const form = this.#form(r);
    const { factor, offset } = form;
    const isPlain = isWithin(form, MOST) && offset.every((x) => x === 0) && isUniform(factor);
    return isPlain && factor[0] > 0 ? form : this.#as(r, this.#fraction(r));
  }

  #narrow(form: Form): Form {
    if (form.bound <= NARROW) return form;
    const range = form.factor.reduce(
      (max, factor, c) => Math.max(max, Math.abs(factor) * form.bound + Math.abs(form.offset[c])),
      0,
    );
    return this.#materialised(form, fractionFor(range), MOST);
  }

  /** Fraction bits that suit register r: those of the value that it is stored in. */
  #fraction(r: number): number {
    const { step, fractions, range } = this.#facts;
    const stored = step.epilogue.find((op) => op[0] === "store" && op[1] === r);
    return stored ? fractions[stored[2] as number] : fractionFor(range(r));
  }

  #as(r: number, fraction: number, limit = MOST): Form {
    return this.#materialised(this.#form(r), fraction, limit);
  }

  /** The form as q * 2^-fraction, |q| <= limit; each once. */
  #materialised(form: Form, fraction: number, limit: number): Form {
    const { of, factor, offset } = form;
    const unit = 2 ** -fraction;
    if (
      isWithin(form, limit) &&
      isUniform(factor) &&
      factor[0] === unit &&
      offset.every((x) => x === 0)
    ) {
      return form;
    }
    const key = [of, fraction, limit, ...factor, ...offset].join();
    const known = this.#computed.get(key);
    if (known) return known;
    const made = this.#scale(form, fraction, limit);
    this.#computed.set(key, made);
    return made;
  }

  #scale(form: Form, fraction: number, limit: number): Form {
    const { of, bound, factor, offset } = form;
    const wide = bound > NARROW;
    const room = roomOf([bound], wide);
    const most = fractionThatFits([factor], room);
    // Numbers that are that small are brought there in two steps.
    if (most < fraction) return this.#scale(this.#scale(form, most, MOST), fraction, limit);
    const columns = factor.map((x, c) =>
      scaled([x * 2 ** fraction], offset[c] * 2 ** fraction, room),
    );
    const result = limited(boundOf(columns, [bound]), limit);
    const { by, ...rest } = inColumns(columns);
    const op: IntegerOp = { kind: "scale", of, by: by[0], ...rest, wide, limit: result.limit };
    return this.#made(op, fraction, result.range);
  }

  #made(op: IntegerOp, fraction: number, range: Range): Form {
    const factor = this.#all(2 ** -fraction);
    return { of: this.#push(op), ...range, factor, offset: this.#all(0) };
  }

  #push(op: IntegerOp): Ref {
    return this.operations.push(op);
  }

  #all(x: number): Column {
    return new Array<number>(this.#facts.channels).fill(x);
  }

  #column(key: string): Column {
    return Array.from(this.#facts.tensors[key].data);
  }
}

/** The form times `by`, plus `plus`. */
function composed(form: Form, by: Column, plus: Column): Form {
  const factor = form.factor.map((x, c) => x * by[c]);
  const offset = form.offset.map((x, c) => x * by[c] + plus[c]);
  return { ...form, factor, offset };
}

function added(a: Form, b: Form): Pick<Form, "factor" | "offset"> {
  const factor = a.factor.map((x, c) => x + b.factor[c]);
  return { factor, offset: a.offset.map((x, c) => x + b.offset[c]) };
}

type Range = Pick<Form, "bound" | "limit">;

const WITHIN_1: Range = { bound: 1, limit: 1 };
const WITHIN_16: Range = { bound: MOST + 1, limit: MOST };

const isWithin = ({ bound, limit: own = bound }: Range, limit: number) => own <= limit;

/** What numbers up to `bound` are after a clamp to `limit`, if they need one. */
function limited(bound: number, limit = MOST): { range: Range; limit?: number } {
  if (bound <= limit) return { range: { bound, limit: bound } };
  return { range: { bound: limit + 1, limit }, limit };
}

function boundOf(columns: readonly Scaled[], bounds: readonly number[]): number {
  return columns.reduce((most, { by, plus, shift }) => {
    const terms = by.reduce((sum, x, i) => sum + Math.abs(x) * bounds[i], Math.abs(plus));
    return Math.max(most, Math.floor(terms / 2 ** shift) + 1);
  }, 0);
}

function inColumns(columns: readonly Scaled[]) {
  const by = columns[0].by.map((_, i) => columns.map((column) => column.by[i]));
  return { by, plus: columns.map(({ plus }) => plus), shift: columns.map(({ shift }) => shift) };
}

const isUniform = (column: Column) => column.every((x) => x === column[0]);

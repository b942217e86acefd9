import type { MapShape } from "../../../program/geometry.js";
import {
  type Computing,
  isComputing,
  MICRO_OPS,
  type MicroOp,
} from "../../../program/micro-ops.js";
import type { Step, ValueId } from "../../../program/types.js";
import { type Compiling, type Dispatch, pixelsOf, pixelWords, tensorAt } from "./compiling.js";
import { meanOf, type Numbers, pairMeansOf } from "./means.js";
import { WGSL } from "./micro-ops.js";
import { packSigns } from "./pack-signs.js";
import { at, type Params } from "./params.js";
import { readOf } from "./read.js";

/** Bits that a workgroup gathers, one word for 32 channels, and then writes: see gather.ts. */
export interface GatheredBits {
  /** The variable that a thread collects them in. */
  readonly name: string;
  /** WGSL of the first word of a pixel's slice, `pixel` being its number. */
  readonly place: string;
}

/** An epilogue as WGSL. */
export interface EpilogueCode {
  /**
   * fn epilogue(r0, pixel, c, bit): of an accumulator, its pixel and channel; `bit`: its place among the
   * pixels and channels of the workgroup.
   */
  readonly code: string;
  readonly gathered: readonly GatheredBits[];
  /** What runs after the step: means, and bits that do not fill words. */
  readonly after: readonly Dispatch[];
}

export interface EpilogueInput {
  readonly compiling: Compiling;
  readonly step: Step;
  readonly index: number;
  /** Of the accumulator. */
  readonly shape: MapShape;
  readonly params: Params;
}

/** Writes the function, and plans what must wait until all of the accumulator is there. */
export function compileEpilogue(input: EpilogueInput): EpilogueCode {
  const writer = new EpilogueWriter(input);
  for (const op of input.step.epilogue) writer.add(op);
  return writer.end();
}

class EpilogueWriter {
  readonly #input: EpilogueInput;
  readonly #lines: string[] = [];
  readonly #gathered: GatheredBits[] = [];
  readonly #after: Dispatch[] = [];
  /** Name of each register: writes pass theirs on. */
  readonly #registers = ["r0"];
  /** Where all of a register lies, as float32. */
  readonly #stored = new Map<string, Numbers>();

  constructor(input: EpilogueInput) {
    this.#input = input;
  }

  add(op: MicroOp): void {
    const name = `r${this.#registers.length}`;
    if (isComputing(op)) {
      this.#define(name, this.#compute(op));
      return;
    }
    switch (op[0]) {
      case "load":
        this.#define(name, this.#load(name, op[1]));
        return;
      case "store":
        this.#store(name, this.#registers[op[1]], op[2], op[3]);
        break;
      case "bits":
        this.#bits(name, op);
        break;
      case "mean":
        this.#later(meanOf, name, this.#registers[op[1]], op[2], op[3]);
        break;
      case "mean-2x2":
        this.#later(pairMeansOf, name, this.#registers[op[1]], op[2], op[3]);
        break;
      default:
        op satisfies never;
    }
    this.#registers.push(this.#registers[op[1]]);
  }

  end(): EpilogueCode {
    const head = "fn epilogue(r0: f32, pixel: u32, c: u32, bit: u32) {";
    const code = [head, ...this.#lines.map((line) => `  ${line}`), "}\n"].join("\n");
    return { code, gathered: this.#gathered, after: this.#after };
  }

  #define(name: string, expression: string): void {
    // What a register holds is a rounded number, for whatever reads it.
    this.#lines.push(`let ${name} = keep(${expression});`);
    this.#registers.push(name);
  }

  #compute(op: Computing): string {
    const { compiling, params } = this.#input;
    const tag = this.#registers.length;
    const [a, b = "", c = ""] = MICRO_OPS[op[0]].map((sort, i) => {
      const operand = op[i + 1];
      if (sort === "register") return this.#registers[operand as number];
      if (sort === "number" || sort === "zero") {
        return params.f32(`n${tag}_${i}`, operand as number);
      }
      const first = tensorAt(compiling, operand as string);
      return `floats[${params.u32(`t${tag}_${i}`, first)} + c]`;
    });
    return WGSL[op[0]](a, b, c);
  }

  #load(name: string, id: ValueId): string {
    const { compiling, params, shape } = this.#input;
    const { kind, shape: loaded } = compiling.program.values[id];
    const channel = loaded[2] < shape[2] ? `c % ${params.u32(`${name}c`, loaded[2])}` : "c";
    return readOf({ compiling, params, name }, id, kind === "vector" ? "0u" : "pixel", channel);
  }

  #store(name: string, register: string, id: ValueId, offset: number): void {
    const { compiling } = this.#input;
    const { type, shape } = compiling.program.values[id];
    const stride = shape[2];
    const first = at(compiling.slots[id], offset);
    const rounded = type === "bfloat16" ? `bfloat16(${register})` : register;
    this.#put(name, { first, stride }, rounded);
    if (!type) this.#stored.set(register, { first, stride });
  }

  #put(name: string, { first, stride }: Numbers, expression: string): void {
    const { params } = this.#input;
    const [start, step] = [params.u32(`${name}v`, first), params.u32(`${name}s`, stride)];
    this.#lines.push(`put(${start} + pixel * ${step} + c, ${expression});`);
  }

  #bits(
    name: string,
    [, r, key, id, offset, zero]: Extract<MicroOp, readonly ["bits", ...unknown[]]>,
  ) {
    const { compiling, params, shape } = this.#input;
    const register = this.#registers[r];
    const threshold = `floats[${params.u32(`${name}t`, tensorAt(compiling, key))} + c]`;
    const above = `${register} ${zero === 1 ? ">=" : ">"} ${threshold}`;
    const channels = compiling.program.values[id].shape[2];
    if (fillsWords(shape[2], offset, channels)) {
      const first = at(compiling.slots[id], offset / 32);
      const start = params.u32(`${name}v`, first);
      const stride = params.u32(`${name}s`, pixelWords(compiling.program, id));
      this.#lines.push(`if (${above}) { ${name}bits |= 1u << (bit & 31u); }`);
      this.#gathered.push({ name: `${name}bits`, place: `${start} + pixel * ${stride}` });
      return;
    }
    const signs = this.#scratch();
    this.#put(name, signs, `select(0.0, 1.0, ${above})`);
    this.#after.push(packSigns(compiling, signs, shape, id, offset));
  }

  #later(
    make: (
      compiling: Compiling,
      from: Numbers,
      shape: MapShape,
      id: ValueId,
      offset: number,
    ) => Dispatch,
    name: string,
    register: string,
    id: ValueId,
    offset: number,
  ): void {
    const { compiling, shape } = this.#input;
    let from = this.#stored.get(register);
    if (!from) {
      from = this.#scratch();
      this.#stored.set(register, from);
      this.#put(name, from, register);
    }
    this.#after.push(make(compiling, from, shape, id, offset));
  }

  /** For every element of the accumulator. */
  #scratch(): Numbers {
    const { compiling, shape, index } = this.#input;
    const slot = compiling.arena.reserve(pixelsOf(shape) * shape[2], index);
    return { first: at(slot), stride: shape[2] };
  }
}

/** Whether a workgroup has all bits of each word that it writes: its channels begin at a word. */
function fillsWords(channels: number, offset: number, all: number): boolean {
  return offset % 32 === 0 && (channels % 32 === 0 || offset + channels === all);
}

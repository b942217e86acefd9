/**
 * A small WebAssembly assembler: enough for straight-line SIMD in counted loops.
 *
 *   const body = new FunctionBody(4);                   4 parameters, all i32
 *   const i = body.local("i32");
 *   body.get(0).const(1).op("i32.add").set(i);
 *   const bytes = assembleModule([{ name: "f", parameters: 4, body }], false);
 */
const OPCODES = {
  select: [0x1b],
  "i32.eqz": [0x45],
  "i32.ne": [0x47],
  "i32.lt_u": [0x49],
  "i32.add": [0x6a],
  "i32.sub": [0x6b],
  "i32.mul": [0x6c],
  "i32.and": [0x71],
  "i32.or": [0x72],
  "i32.shl": [0x74],
  "i32.shr_u": [0x76],
  "i32x4.splat": [0xfd, 0x11],
  "i32x4.eq": [0xfd, 0x37],
  "f32x4.lt": [0xfd, 0x43],
  "f32x4.gt": [0xfd, 0x44],
  "f32x4.ge": [0xfd, 0x46],
  "v128.and": [0xfd, 0x4e],
  "v128.bitselect": [0xfd, 0x52],
  "i8x16.bitmask": [0xfd, 0x64],
  "i8x16.narrow_i16x8_s": [0xfd, 0x65],
  "i16x8.narrow_i32x4_s": [0xfd, 0x85, 0x01],
  "i16x8.narrow_i32x4_u": [0xfd, 0x86, 0x01],
  "i32x4.shl": [0xfd, 0xab, 0x01],
  "i32x4.shr_u": [0xfd, 0xad, 0x01],
  "i32x4.add": [0xfd, 0xae, 0x01],
  "f32x4.nearest": [0xfd, 0x6a],
  "f32x4.add": [0xfd, 0xe4, 0x01],
  "f32x4.sub": [0xfd, 0xe5, 0x01],
  "f32x4.mul": [0xfd, 0xe6, 0x01],
  "f32x4.min": [0xfd, 0xe8, 0x01],
  "f32x4.max": [0xfd, 0xe9, 0x01],
} as const satisfies { readonly [name: string]: readonly number[] };

const ACCESSES = {
  "i32.load": [0x28],
  "i32.store": [0x36],
  "v128.load": [0xfd, 0x00],
  "v128.load16x4_u": [0xfd, 0x04],
  "v128.store": [0xfd, 0x0b],
} as const satisfies { readonly [name: string]: readonly number[] };

const LANE_STORES = { 16: 0x59, 32: 0x5a, 64: 0x5b } as const;

const TYPES = { i32: 0x7f, v128: 0x7b } as const;

const float = new Float32Array(1);
const floatBits = new Int32Array(float.buffer);

export type Local = number;
type ValueType = keyof typeof TYPES;

/** Instructions and locals of one function whose parameters are all i32. */
export class FunctionBody {
  readonly #parameters: number;
  readonly #locals: number[] = [];
  readonly #code: number[] = [];

  constructor(parameters: number) {
    this.#parameters = parameters;
  }

  local(type: ValueType): Local {
    return this.#parameters + this.#locals.push(TYPES[type]) - 1;
  }

  op(name: keyof typeof OPCODES): this {
    return this.#bytes(OPCODES[name]);
  }

  get(local: Local): this {
    return this.#withUnsigned(0x20, local);
  }

  set(local: Local): this {
    return this.#withUnsigned(0x21, local);
  }

  tee(local: Local): this {
    return this.#withUnsigned(0x22, local);
  }

  const(value: number): this {
    this.#byte(0x41);
    return value >= 0 && value < 0x40 ? this.#byte(value) : this.#bytes(signed(value));
  }

  /** Four equal floats. */
  splat(value: number): this {
    float[0] = value;
    return this.lanes(floatBits[0], floatBits[0], floatBits[0], floatBits[0]);
  }

  /** Four 32-bit integers. */
  lanes(a: number, b: number, c: number, d: number): this {
    this.#byte(0xfd).#byte(0x0c);
    return this.#word(a).#word(b).#word(c).#word(d);
  }

  /** Address on the stack; `offset` is added to it. Never promises an alignment. */
  access(name: keyof typeof ACCESSES, offset: number): this {
    return this.#bytes(ACCESSES[name]).#withUnsigned(0, offset);
  }

  /** Address and vector on the stack: stores one lane of so many bits. */
  storeLane(bits: keyof typeof LANE_STORES, lane: number, offset: number): this {
    return this.#bytes([0xfd, LANE_STORES[bits], 0]).#unsigned(offset).#byte(lane);
  }

  call(index: number): this {
    return this.#byte(0x10).#unsigned(index);
  }

  /** Runs `body` again while the condition it leaves on the stack is not 0; at least once. */
  repeat(body: () => void): this {
    this.#bytes([0x03, 0x40]);
    body();
    return this.#bytes([0x0d, 0, 0x0b]);
  }

  /** Runs `body` where the condition on the stack is not 0. */
  when(body: () => void): this {
    this.#bytes([0x04, 0x40]);
    body();
    return this.#byte(0x0b);
  }

  encode(): number[] {
    const locals = this.#locals.flatMap((type) => [1, type]);
    const head = [...unsigned(this.#locals.length), ...locals];
    const size = unsigned(head.length + this.#code.length + 1);
    return size.concat(head, this.#code, 0x0b);
  }

  #byte(byte: number): this {
    this.#code.push(byte);
    return this;
  }

  #bytes(bytes: readonly number[]): this {
    this.#code.push(...bytes);
    return this;
  }

  #word(value: number): this {
    this.#code.push(value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >> 24) & 255);
    return this;
  }

  #unsigned(value: number): this {
    return value < 0x80 ? this.#byte(value) : this.#bytes(unsigned(value));
  }

  /** Most instructions, by far. */
  #withUnsigned(opcode: number, value: number): this {
    if (value < 0x80) this.#code.push(opcode, value);
    else this.#code.push(opcode, ...unsigned(value));
    return this;
  }
}

export interface NamedFunction {
  readonly name: string;
  readonly parameters: number;
  readonly body: FunctionBody;
}

/** Index of the imported sigmoid, (v128) -> v128, for `call`. */
export const SIGMOID = 0;
const IMPORTED_FUNCTIONS = 1;

/** A module that imports env.memory and env.sigmoid, and exports every function. */
export function assembleModule(functions: readonly NamedFunction[], shared: boolean): Uint8Array {
  const arities = [...new Set(functions.map(({ parameters }) => parameters))];
  const types = [
    [0x60, 1, TYPES.v128, 1, TYPES.v128],
    ...arities.map((count) => [0x60, count, ...Array<number>(count).fill(TYPES.i32), 0]),
  ];
  const imports = [
    [...text("env"), ...text("sigmoid"), 0x00, 0],
    [...text("env"), ...text("memory"), 0x02, ...memoryLimits(shared)],
  ];
  const typeOf = ({ parameters }: NamedFunction) => [1 + arities.indexOf(parameters)];
  const exported = functions.map(({ name }, i) => [
    ...text(name),
    0x00,
    ...unsigned(IMPORTED_FUNCTIONS + i),
  ]);
  const bodies = functions.map(({ body }) => body.encode());
  return joined([
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, types),
    ...section(2, imports),
    ...section(3, functions.map(typeOf)),
    ...section(7, exported),
    ...section(10, bodies),
  ]);
}

function joined(parts: readonly (readonly number[])[]): Uint8Array {
  const bytes = new Uint8Array(sizeOf(parts));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function sizeOf(parts: readonly (readonly number[])[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

/** Pages that an imported memory may have: 2 GiB. */
const MAX_PAGES = 32_768;

/** Limits of an imported memory: at least a page; a shared one must say how far it may grow. */
export function memoryLimits(shared: boolean): number[] {
  return shared ? [3, 1, ...unsigned(MAX_PAGES)] : [0, 1];
}

function section(id: number, entries: readonly (readonly number[])[]): (readonly number[])[] {
  const count = unsigned(entries.length);
  return [[id, ...unsigned(count.length + sizeOf(entries))], count, ...entries];
}

function text(ascii: string): number[] {
  return [ascii.length, ...new TextEncoder().encode(ascii)];
}

/** LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const byte = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && !(byte & 0x40)) || (rest === -1 && byte & 0x40);
    bytes.push(done ? byte : byte | 0x80);
    if (done) return bytes;
  }
}

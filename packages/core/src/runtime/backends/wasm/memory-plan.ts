import { OnebitError } from "../../../errors.js";
import { checkMemory, DEFAULT_BUDGET } from "../../budget.js";
import { TABLES_ADDRESS } from "./agreed.js";
import type { Instruction } from "./instruction.js";
import { LOOKUP_TABLE_BYTES, lookupTables } from "./lookup-tables.js";

/**
 * Where values and scratch begin: behind the tables of lookups. What lies before those nothing uses: no
 * place has address 0.
 */
export const FIRST_ADDRESS = TABLES_ADDRESS + LOOKUP_TABLE_BYTES;
/** Cache lines. */
const ALIGNMENT = 64;
export const PAGE = 65_536;
/** Half of what a 32-bit memory can have: addresses stay positive as int32. */
const MAX_BYTES = 2 ** 31;

/** A range of linear memory; its address is known once the plan is made, -1 until then. */
interface Block {
  bytes: number;
  /** First and last step that uses it: blocks that are never in use together may share memory. */
  readonly first: number;
  last: number;
  address: number;
}

function newBlock(bytes: number, first: number, last: number): Block {
  return { bytes, first, last, address: -1 };
}

/** A place in linear memory. */
export interface Place {
  readonly block: Block;
  readonly offset: number;
}

export function at(place: Place, bytes: number): Place {
  return { block: place.block, offset: place.offset + bytes };
}

/** A 32-bit entry of a table in linear memory: a number, or the address of a place. */
export type Field = number | Place;

type Table = readonly Field[];
type Contents = ArrayBufferView | Table;

const sizeOf = (contents: Contents) =>
  ArrayBuffer.isView(contents) ? contents.byteLength : contents.length * 4;

/** Before the first step, when instructions fill what `reserve` returned. */
const PREPARATION = -2;
/** Kernels read whole vectors. */
const OVERREAD = 16;

/** Data that instructions read once, from a place that is free again for the program's values. */
export interface Preparation {
  readonly data: ArrayBufferView;
  readonly staged: Place;
  readonly instructions: readonly Instruction[];
}

/**
 * Where values, scratch and, behind them, tables lie: all that a thread needs for itself to run an
 * image of its own. See arenas.ts.
 */
export interface ArenaLayout {
  readonly address: number;
  readonly bytes: number;
  /** First byte of the tables. */
  readonly tables: number;
  /** Words of the tables that hold addresses within. */
  readonly inner: Int32Array;
}

/**
 * Lays out one linear memory: values and scratch by their lifetimes, then tables, then weights and
 * parameters, side by side.
 */
export class MemoryPlan {
  readonly #isolate: boolean;
  readonly #tables: { readonly block: Block; readonly contents: Table }[] = [];
  readonly #constants: { readonly block: Block; readonly contents?: ArrayBufferView }[] = [];
  /** What `temporary` returned places in. */
  readonly blocks: Block[] = [];
  readonly preparations: Preparation[] = [];
  /** Where preparations find their data, one after another. */
  readonly #staging = newBlock(0, PREPARATION, PREPARATION);
  #constantBytes = 0;
  #tablesEnd = 0;
  /** Words of tables that hold the address of a value, scratch or a table. */
  readonly #inner: number[] = [];
  /** Of values and scratch. */
  arenaBytes = 0;
  totalBytes = 0;

  /** With the arenas of further threads: what counts against the budget. */
  memoryBytes = 0;

  readonly #threads: number;
  readonly #memory: number;
  readonly #scratch: Block;
  #stepScratch = 0;
  /** Bytes from the scratch of one thread to that of the next. */
  scratchBytes = 0;

  /**
   * isolate: no two blocks share memory, and after each comes a cache line that nobody uses, so
   * that a test can see a stray write. memory: bytes that all of it may take: see Budget.
   */
  constructor({ isolate = false, threads = 1, memory = DEFAULT_BUDGET.memory } = {}) {
    this.#memory = memory;
    this.#isolate = isolate;
    this.#threads = threads;
    this.#scratch = newBlock(0, 0, Number.POSITIVE_INFINITY);
  }

  /** Weights and parameters, written once; a list of fields becomes a table. */
  constant(contents: Contents): Place {
    const block = this.#forEver(sizeOf(contents));
    if (ArrayBuffer.isView(contents)) this.#constants.push({ block, contents });
    else this.#tables.push({ block, contents });
    return { block, offset: 0 };
  }

  /** A constant that a preparation writes. */
  reserve(bytes: number): Place {
    const block = this.#forEver(bytes);
    this.#constants.push({ block });
    return { block, offset: 0 };
  }

  #forEver(bytes: number): Block {
    this.#constantBytes += aligned(bytes);
    this.checkSize(this.#constantBytes);
    return newBlock(bytes, 0, Number.POSITIVE_INFINITY);
  }

  /**
   * Has instructions run on `data`, once, when the program is loaded; they may use `scratchBytes`
   * of memory besides.
   */
  prepare(
    data: ArrayBufferView,
    scratchBytes: number,
    instructions: (staged: Place, scratch: Place) => readonly Instruction[],
  ): void {
    const staged = { block: this.#staging, offset: 0 };
    const scratch = { block: this.#staging, offset: aligned(data.byteLength + OVERREAD) };
    const bytes = scratch.offset + scratchBytes;
    this.checkSize(bytes);
    this.#staging.bytes = Math.max(this.#staging.bytes, bytes);
    this.preparations.push({ data, staged, instructions: instructions(staged, scratch) });
  }

  /** Forgets the scratch handed out so far: the next step uses the same. */
  beginStep(): void {
    this.#stepScratch = 0;
  }

  /** Memory that every thread has its own of, during one step; the place is that of the first. */
  scratch(bytes: number): Place {
    const place = { block: this.#scratch, offset: this.#stepScratch };
    this.#stepScratch += aligned(bytes);
    this.checkSize(this.#stepScratch * this.#threads);
    this.scratchBytes = Math.max(this.scratchBytes, this.#stepScratch);
    return place;
  }

  /** Memory in use from step `first` to step `last`, both included. */
  temporary(bytes: number, first: number, last: number): Place {
    this.checkSize(bytes);
    const block = newBlock(this.#isolate ? bytes + ALIGNMENT : bytes, first, last);
    this.blocks.push(block);
    return { block, offset: 0 };
  }

  /** Has a temporary place stay in use until a later step. */
  keep({ block }: Place, last: number): void {
    block.last = Math.max(block.last, last);
  }

  /** Gives every block its address; returns the bytes needed. */
  assign(): number {
    this.#scratch.bytes = this.scratchBytes * this.#threads + (this.#isolate ? ALIGNMENT : 0);
    this.blocks.push(...[this.#staging, this.#scratch].filter(({ bytes }) => bytes > 0));
    const end = this.#isolate
      ? assignInTurn(this.blocks, FIRST_ADDRESS)
      : assignByLifetime(this.blocks, FIRST_ADDRESS);
    this.arenaBytes = end - FIRST_ADDRESS;
    const tables = aligned(FIRST_ADDRESS + this.arenaBytes);
    this.#tablesEnd = assignInTurn(
      this.#tables.map(({ block }) => block),
      tables,
    );
    this.totalBytes = assignInTurn(
      this.#constants.map(({ block }) => block),
      this.#tablesEnd,
    );
    this.checkSize(this.totalBytes);
    this.memoryBytes = Math.min(this.totalBytes + this.#furtherArenas(), MAX_BYTES);
    checkMemory("wasm", this.memoryBytes, this.#memory);
    return this.totalBytes;
  }

  #furtherArenas(): number {
    return (this.#threads - 1) * (this.#tablesEnd - FIRST_ADDRESS);
  }

  /**
   * Memory of the planned size, constants and tables in place; forgets them, so call it once. Where
   * there are threads it can grow by an arena for each of the others.
   */
  allocate(): WebAssembly.Memory {
    const pages = (bytes: number) => Math.ceil(bytes / PAGE);
    const further = pages(this.#furtherArenas());
    const maximum = Math.min(pages(this.totalBytes) + further, pages(MAX_BYTES));
    const memory = allocatePages(pages(this.totalBytes), maximum, this.#threads > 1);
    const bytes = new Uint8Array(memory.buffer);
    bytes.set(lookupTables(), TABLES_ADDRESS);
    for (const { block, contents } of this.#constants) {
      if (contents) bytes.set(bytesOf(contents), block.address);
    }
    this.#writeTables(memory);
    this.#constants.length = 0;
    this.#tables.length = 0;
    return memory;
  }

  /** Where the arena lies, once the memory is allocated. */
  arena(): ArenaLayout {
    const tables = aligned(FIRST_ADDRESS + this.arenaBytes);
    const inner = Int32Array.from(this.#inner);
    return { address: FIRST_ADDRESS, bytes: this.#tablesEnd - FIRST_ADDRESS, tables, inner };
  }

  #writeTables({ buffer }: WebAssembly.Memory): void {
    const words = new Int32Array(buffer);
    for (const { block, contents } of this.#tables) {
      const first = block.address / 4;
      for (let i = 0; i < contents.length; i++) {
        const field = contents[i];
        words[first + i] = typeof field === "number" ? field : addressOf(field);
        if (typeof field === "number" || field.block.address >= this.#tablesEnd) continue;
        this.#inner.push(first + i);
      }
    }
  }

  /**
   * Throws where no linear memory can hold that much, or the program may not have it: call before
   * allocating it elsewhere.
   */
  checkSize(bytes: number): void {
    checkMemory("wasm", bytes, this.#memory);
    if (bytes <= MAX_BYTES) return;
    throw new OnebitError(
      `wasm: this program needs more than ${MAX_BYTES / 2 ** 20} MiB: run it with another backend or on smaller images`,
    );
  }
}

export function addressOf({ block, offset }: Place): number {
  if (block.address < 0) throw new Error("wasm: address asked for before the plan is made");
  return block.address + offset;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function allocatePages(pages: number, maximum: number, shared: boolean): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum, shared });
  } catch {
    throw new OnebitError(`wasm: no memory for this program (${Math.ceil(pages / 16)} MiB)`);
  }
}

/** Side by side; returns the end. */
function assignInTurn(blocks: readonly Block[], start: number): number {
  let address = start;
  for (const block of blocks) {
    block.address = address;
    address += aligned(block.bytes);
  }
  return address;
}

/** Largest first, each at the lowest address that is free for all of its lifetime. */
function assignByLifetime(blocks: readonly Block[], start: number): number {
  /** By address. */
  const placed: Block[] = [];
  let end = start;
  for (const block of [...blocks].sort((a, b) => b.bytes - a.bytes)) {
    block.address = lowestFree(block, placed, start);
    if (block.bytes > 0) insert(block, placed);
    end = Math.max(end, block.address + aligned(block.bytes));
  }
  return end;
}

/** Moves on behind whatever is in the way. */
function lowestFree(
  { bytes, first, last }: Block,
  placed: readonly Block[],
  start: number,
): number {
  let address = start;
  for (let i = 0; i < placed.length; i++) {
    const other = placed[i];
    if (other.address >= address + bytes) break;
    if (other.first > last || first > other.last) continue;
    address = Math.max(address, aligned(other.address + other.bytes));
  }
  return address;
}

function insert(block: Block, placed: Block[]): void {
  let low = 0;
  let high = placed.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (placed[middle].address <= block.address) low = middle + 1;
    else high = middle;
  }
  placed.splice(low, 0, block);
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

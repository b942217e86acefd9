import { OnebitError } from "onebit";
import { expect } from "vitest";
import { type AsyncBuffer, memoryBuffer } from "../async-buffer.js";
import type { Checkpoint } from "../checkpoint.js";
import { bytesPerElement } from "../dtype.js";
import { openCheckpoint } from "../open-checkpoint.js";
import type { TensorEntry } from "../tensor-entry.js";
import { int, seeded } from "./bytes.js";

type Range = readonly [start: number, end: number];

/** An unharmed file: what opening it and reading each tensor touches, and what it holds. */
interface Original {
  readonly file: Uint8Array;
  readonly structure: readonly Range[];
  readonly tensors: ReadonlyMap<string, { ranges: readonly Range[]; bytes: Uint8Array }>;
  readonly signature: string;
  /** Zip files: whatever is accepted must hold what the original holds. */
  readonly sealed: boolean;
}

interface MutationReport {
  refused: number;
  accepted: number;
  slowestMs: number;
}

/**
 * Mutates a file `count` times, opens each and reads its tensors: those in mutated places always, a
 * few others, and all of them one time in twenty and where the length changed.
 *
 * Each mutation must end in an OnebitError or in a whole checkpoint, within a second of computing;
 * accepted changes to a zip file must change nothing of what it holds.
 *
 * Kinds, evenly: one bit; one byte; 1 to 8 bytes of a telling integer; a block of zeros; two blocks
 * exchanged; a truncation; bytes removed; bytes inserted. Half of the places lie in what opening the
 * file reads (headers, pickles, directories), half anywhere.
 */
async function mutate(file: Uint8Array, count: number, seed: number): Promise<MutationReport> {
  const original = await examine(file);
  const random = seeded(seed);
  const report: MutationReport = { refused: 0, accepted: 0, slowestMs: 0 };
  const memory = process.memoryUsage().rss;
  for (let i = 0; i < count; i++) {
    const { mutated, touched, restore } = mutation(original, random);
    const start = process.cpuUsage();
    const accepted = await attempt(original, mutated, touched, random);
    const { user, system } = process.cpuUsage(start);
    restore();
    report.slowestMs = Math.max(report.slowestMs, (user + system) / 1000);
    if (accepted) report.accepted++;
    else report.refused++;
    if (i % 256 === 0) expect(process.memoryUsage().rss - memory).toBeLessThan(600 * 2 ** 20);
  }
  expect(report.slowestMs).toBeLessThan(1000);
  return report;
}

/** Mutates a file with a fixed seed and prints what became of the mutations. */
export async function mutateAndPrint(name: string, file: Uint8Array, count: number): Promise<void> {
  const { refused, accepted, slowestMs } = await mutate(file, count, 11);
  console.log(
    `${name}: ${count} mutations, ${refused} refused, ${accepted} accepted, slowest ${slowestMs.toFixed(0)} ms`,
  );
}

async function examine(source: Uint8Array): Promise<Original> {
  const file = new Uint8Array(source);
  let ranges: Range[] = [];
  const memory = memoryBuffer(file);
  const recording: AsyncBuffer = {
    byteLength: file.length,
    slice: (start, end) => {
      ranges.push([start, end]);
      return memory.slice(start, end);
    },
  };
  const checkpoint = await openCheckpoint(recording);
  const structure = ranges.filter(([start, end]) => end > start);
  const tensors = new Map<string, { ranges: Range[]; bytes: Uint8Array }>();
  for (const [key, entry] of checkpoint.tensors) {
    ranges = [];
    const bytes = await entry.bytes();
    tensors.set(key, { ranges, bytes });
  }
  const sealed = checkpoint.format === "torch-zip" || checkpoint.format === "npz";
  return { file, structure, tensors, signature: signatureOf(checkpoint), sealed };
}

function signatureOf(checkpoint: Checkpoint): string {
  const tensors = Array.from(checkpoint.tensors.values(), (t) => `${t.key} ${t.dtype} ${t.shape}`);
  const metadata = Array.from(checkpoint.metadata, ([key, value]) => `${key} ${String(value)}`);
  return [...tensors, ...metadata].join("\n");
}

interface Mutation {
  readonly mutated: Uint8Array;
  /** Places that changed; undefined where the length did. */
  readonly touched: readonly Range[] | undefined;
  restore(): void;
}

function mutation({ file, structure }: Original, random: (below: number) => number): Mutation {
  const place = (): number => {
    const [start, end] = random(2) ? structure[random(structure.length)] : [0, file.length];
    return start + random(end - start);
  };
  const length = 1 + random(random(4) ? 8 : 300);
  const at = place();
  const write = (...edits: readonly (readonly [number, Uint8Array])[]): Mutation => {
    const inside = edits.map(([to, bytes]): [number, Uint8Array] => [
      to,
      bytes.slice(0, file.length - to),
    ]);
    const before = inside.map(([to, bytes]): [number, Uint8Array] => [
      to,
      file.slice(to, to + bytes.length),
    ]);
    const put = (list: readonly [number, Uint8Array][]) => {
      for (const [to, bytes] of list) file.set(bytes, to);
    };
    put(inside);
    const touched = inside.map(([to, bytes]): Range => [to, to + bytes.length]);
    return { mutated: file, touched, restore: () => put(before.reverse()) };
  };
  const resized = (...parts: readonly Uint8Array[]): Mutation => ({
    mutated: new Uint8Array(Buffer.concat(parts)),
    touched: undefined,
    restore: () => undefined,
  });
  switch (random(8)) {
    case 0:
      return write([at, Uint8Array.of(file[at] ^ (1 << random(8)))]);
    case 1:
      return write([at, Uint8Array.of(random(256))]);
    case 2: {
      const telling = [
        0n,
        1n,
        -1n,
        0x7fn,
        0x80n,
        0x7fffn,
        0x7fffffffn,
        0x80000000n,
        1n << 40n,
        1n << 62n,
      ];
      return write([at, int(telling[random(telling.length)], 1 << random(4))]);
    }
    case 3:
      return write([at, new Uint8Array(length)]);
    case 4: {
      const other = place();
      return write([at, file.slice(other, other + length)], [other, file.slice(at, at + length)]);
    }
    case 5:
      return { mutated: file.subarray(0, at), touched: undefined, restore: () => undefined };
    case 6:
      return resized(file.subarray(0, at), file.subarray(at + length));
    default: {
      const inserted = Uint8Array.from({ length }, () => random(256));
      return resized(file.subarray(0, at), inserted, file.subarray(at));
    }
  }
}

/** True where the mutated file is accepted; fails the test where it should not be. */
async function attempt(
  original: Original,
  mutated: Uint8Array,
  touched: readonly Range[] | undefined,
  random: (below: number) => number,
): Promise<boolean> {
  try {
    const checkpoint = await openCheckpoint(memoryBuffer(mutated));
    const all = touched === undefined || random(20) === 0;
    for (const entry of checkpoint.tensors.values()) {
      const known = original.tensors.get(entry.key);
      const hit = known?.ranges.some((range) => touched?.some((place) => overlap(range, place)));
      if (all || hit || known === undefined || random(40) === 0) await check(entry, original);
    }
    if (original.sealed) expect(signatureOf(checkpoint)).toBe(original.signature);
    return true;
  } catch (error) {
    if (!(error instanceof OnebitError)) throw error;
    return false;
  }
}

const overlap = (a: Range, b: Range): boolean => a[0] < b[1] && b[0] < a[1];

async function check(entry: TensorEntry, original: Original): Promise<void> {
  const bytes = await entry.bytes();
  if (bytes.length !== entry.elements * bytesPerElement[entry.dtype]) {
    throw new Error(`${entry.key}: ${bytes.length} bytes for ${entry.elements} ${entry.dtype}`);
  }
  if (!original.sealed) return;
  const expected = original.tensors.get(entry.key)?.bytes;
  if (!expected || Buffer.compare(bytes, expected) !== 0) {
    throw new Error(`${entry.key}: a mutation of a checked file changed its values unnoticed`);
  }
}

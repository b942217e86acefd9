/**
 * Tries a batch of inputs: batch-process FUZZER SEED FROM TO FOLDER JOURNAL. A process of its own, so
 * that a crash, a hang or a full memory ends nothing else; the journal says which input it was.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Fuzzer, FuzzInput } from "./fuzzer.js";
import { fuzzerNamed } from "./fuzzers.js";
import { Journal, type JournalEntry } from "./journal.js";
import { LIMITS, mostMemory } from "./limits.js";

const [name, seed, from, to, folder, journalPath] = process.argv.slice(2);
const journal = new Journal(journalPath);

/** Promises that nobody awaited: whatever the input under way left behind. */
const stray: unknown[] = [];
process.on("unhandledRejection", (reason) => stray.push(reason));

const fuzzer = await fuzzerNamed(name);
let used = process.resourceUsage();
/** Of all inputs so far: peaks only grow. */
let largest = 0;
for (let index = Number(from); index < Number(to); index++) {
  journal.append({ begin: index });
  const entry = await attempt(fuzzer, index);
  journal.append(entry);
  // Whoever is next would be blamed for this one's.
  if (peakBytes() > LIMITS.memoryBytes) break;
}
// Threads and timers that an input left behind are not waited for.
process.exit();

async function attempt(fuzzer: Fuzzer, index: number): Promise<JournalEntry> {
  const input = await fuzzer.input(Number(seed), index);
  const { edits, story } = input;
  largest = Math.max(largest, input.bytes.length);
  // What it took to make the input is not what it takes to try it.
  computing();
  const outcome = await input.judge().catch((error: unknown) => failure(error));
  // Let go what was left undone.
  await new Promise((resolve) => setImmediate(resolve));
  const milliseconds = computing();
  const message = "failed" in outcome ? outcome.failed : (overLimits(milliseconds) ?? strayed());
  if (message !== undefined) {
    keep(fuzzer, index, input, message);
    return { end: index, result: "failed", edits, milliseconds, message, story };
  }
  if ("failed" in outcome) throw new Error("unreachable");
  const said = outcome.message?.replaceAll(/"[^"]*"/g, '"#"').replaceAll(/-?\d+(\.\d+)?/g, "#");
  return { end: index, ...outcome, edits, milliseconds, message: said };
}

function failure(error: unknown): { readonly failed: string } {
  return { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

/** Since it was asked last, of all threads: asking takes a millisecond where there are many. */
function computing(): number {
  const before = used;
  used = process.resourceUsage();
  const user = used.userCPUTime - before.userCPUTime;
  return Math.round((user + used.systemCPUTime - before.systemCPUTime) / 1000);
}

function peakBytes(): number {
  return used.maxRSS * 1024;
}

function overLimits(milliseconds: number): string | undefined {
  if (milliseconds > LIMITS.seconds * 1000) return `it took ${milliseconds} ms of computing`;
  if (peakBytes() <= mostMemory(largest)) return undefined;
  return `memory reached ${Math.round(peakBytes() / 2 ** 20)} MiB`;
}

function strayed(): string | undefined {
  const [reason] = stray.splice(0);
  return reason === undefined ? undefined : `a rejection that nobody handled: ${reason}`;
}

function keep(fuzzer: Fuzzer, index: number, { bytes, story }: FuzzInput, message: string): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${fuzzer.name}-${seed}-${index}`);
  writeFileSync(`${path}.${fuzzer.extension}`, bytes);
  writeFileSync(`${path}.txt`, `${story}\n\n${message}\n`);
}

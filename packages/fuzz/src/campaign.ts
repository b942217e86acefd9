import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { JournalEntry } from "./journal.js";
import { runBatch } from "./run-batch.js";
import { addEntries, freshState, readState, type State, writeState } from "./state.js";

export interface CampaignOptions {
  readonly fuzzer: string;
  readonly seed: number;
  readonly from: number;
  /** Inputs in all, those tried earlier among them. */
  readonly count: number;
  /** Inputs of one process. */
  readonly batch: number;
  /** Processes at once. */
  readonly processes: number;
  /** State and failures are kept here; a campaign goes on where it stopped. */
  readonly folder: string;
  readonly signal: AbortSignal;
  progress?(state: State): void;
}

type Finished = Extract<JournalEntry, { end: number }>;

/** Tries inputs from..from + count; resolves with all that is known then. */
export async function runCampaign(options: CampaignOptions): Promise<State> {
  const { fuzzer, seed, count, folder } = options;
  const state = readState(folder, fuzzer, seed) ?? freshState(fuzzer, seed, options.from);
  const journals = join(folder, "journals");
  mkdirSync(journals, { recursive: true });
  const end = state.from + count;
  const waiting: number[] = [];
  for (let from = state.next; from < end; from += options.batch) waiting.push(from);
  /** Batches that are done before one that comes earlier. */
  const ahead = new Map<number, Finished[]>();
  const earlier = state.seconds;
  const start = performance.now();

  const fold = () => {
    for (let done = ahead.get(state.next); done; done = ahead.get(state.next)) {
      ahead.delete(state.next);
      addEntries(state, done);
      state.next = Math.min(end, state.next + options.batch);
    }
    state.seconds = earlier + (performance.now() - start) / 1000;
    writeState(folder, state);
    options.progress?.(state);
  };

  const work = async () => {
    for (let from = waiting.shift(); from !== undefined; from = waiting.shift()) {
      const batch = { fuzzer, seed, from, to: Math.min(end, from + options.batch) };
      const folders = { journals, failures: join(folder, "failures") };
      ahead.set(from, await runBatch(batch, folders, options.signal));
      fold();
    }
  };
  await Promise.all(Array.from({ length: options.processes }, work));
  return state;
}

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JournalEntry } from "./journal.js";

export interface Failure {
  readonly index: number;
  readonly message: string;
}

/** How far a campaign is: all inputs below `next` have been tried. */
export interface State {
  readonly fuzzer: string;
  readonly seed: number;
  readonly from: number;
  next: number;
  refused: number;
  ran: number;
  slowestMs: number;
  failures: Failure[];
  /** By kind of edit: how many inputs ran, how many were refused. */
  readonly edits: { [edit: string]: { ran: number; refused: number } };
  /** What ran the inputs, and how many. */
  readonly on: { [name: string]: number };
  /** Different reasons to refuse, and how often each was given. */
  readonly refusals: { [message: string]: number };
  seconds: number;
}

export function freshState(fuzzer: string, seed: number, from: number): State {
  const counts = { next: from, refused: 0, ran: 0, slowestMs: 0, seconds: 0 };
  return { fuzzer, seed, from, ...counts, failures: [], edits: {}, on: {}, refusals: {} };
}

export function addEntries(
  state: State,
  entries: readonly Extract<JournalEntry, { end: number }>[],
): void {
  for (const { end, result, edits, milliseconds, on = [], message = "" } of entries) {
    state.slowestMs = Math.max(state.slowestMs, milliseconds);
    if (result === "failed") {
      state.failures.push({ index: end, message });
      continue;
    }
    state[result]++;
    for (const edit of edits) {
      state.edits[edit] ??= { ran: 0, refused: 0 };
      state.edits[edit][result]++;
    }
    for (const name of on) state.on[name] = (state.on[name] ?? 0) + 1;
    if (result === "refused") state.refusals[message] = (state.refusals[message] ?? 0) + 1;
  }
}

const fileOf = (folder: string) => join(folder, "state.json");

/** The state in a folder; undefined where there is none. Error where it is another campaign's. */
export function readState(folder: string, fuzzer: string, seed: number): State | undefined {
  if (!existsSync(fileOf(folder))) return undefined;
  const state = JSON.parse(readFileSync(fileOf(folder), "utf8")) as State;
  if (state.fuzzer === fuzzer && state.seed === seed) return state;
  throw new Error(
    `${folder} belongs to fuzzer ${state.fuzzer}, seed ${state.seed}: choose another folder`,
  );
}

export function writeState(folder: string, state: State): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${fileOf(folder)}.new`, JSON.stringify(state, undefined, 1));
  renameSync(`${fileOf(folder)}.new`, fileOf(folder));
}

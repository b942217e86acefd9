import { LIMITS } from "./limits.js";
import type { State } from "./state.js";

/** Failures that are told; all are in the folder. */
const MOST_FAILURES = 10;

/** What a campaign found, for people. */
export function report(state: State, folder: string): string {
  const { fuzzer, seed, from, next, ran, refused, failures, seconds, slowestMs } = state;
  const tried = next - from;
  const edits = Object.entries(state.edits).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    `${fuzzer}, seed ${seed}, inputs ${from} to ${next}: ${refused} refused, ${ran} ran, ${failures.length} failed`,
    `${Math.round(seconds)} s, ${(tried / Math.max(seconds, 1e-3)).toFixed(0)} inputs/s, slowest ${slowestMs} ms of computing`,
    `limits: ${LIMITS.seconds} s, ${LIMITS.memoryBytes / 2 ** 20} MiB and four times its size, each input`,
    `${Object.keys(state.refusals).length} different reasons to refuse`,
    ...Object.entries(state.on).map(([name, count]) => `  on ${name}: ${count}`),
    ...edits.map(([edit, counts]) => `  ${edit}: ${counts.ran} ran, ${counts.refused} refused`),
    ...failures
      .slice(0, MOST_FAILURES)
      .map(({ index, message }) => `\nfailed: input ${index}: ${message.slice(0, 1500)}`),
    `state and failures: ${folder}`,
  ].join("\n");
}

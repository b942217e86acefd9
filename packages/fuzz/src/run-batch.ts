import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Journal, type JournalEntry } from "./journal.js";
import { LIMITS } from "./limits.js";

export interface Batch {
  readonly fuzzer: string;
  readonly seed: number;
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** Where batches leave their journals and failures. */
export interface Folders {
  readonly journals: string;
  readonly failures: string;
}

type Finished = Extract<JournalEntry, { end: number }>;

const PROGRAM = fileURLToPath(new URL("./batch-process.js", import.meta.url));

/** Tries every input of a batch, with a fresh process after each one that ended its own. */
export async function runBatch(
  batch: Batch,
  folders: Folders,
  signal: AbortSignal,
): Promise<Finished[]> {
  const finished: Finished[] = [];
  const journal = new Journal(join(folders.journals, `batch-${batch.from}.jsonl`));
  for (let from = batch.from; from < batch.to; ) {
    journal.clear();
    const end = await runProcess({ ...batch, from }, folders.failures, journal, signal);
    const entries = journal.read();
    finished.push(...entries.filter((entry) => "end" in entry));
    const last = entries.at(-1);
    if (!last)
      throw new Error(`inputs ${from} to ${batch.to} were never begun: ${end.how}\n${end.said}`);
    const about = `${end.how}\n${end.said}`;
    if ("begin" in last) finished.push(crashed(last.begin, about));
    // Threads that outlive their program, memory that was overwritten: some of it shows at the end.
    else if (end.how !== SOUND_END)
      finished.push(crashed(last.end, `when its process ended: ${about}`));
    from = ("begin" in last ? last.begin : last.end) + 1;
  }
  rmSync(journal.path, { force: true });
  return finished;
}

const crashed = (index: number, end: string): Finished => {
  return { end: index, result: "failed", edits: [], milliseconds: 0, message: end };
};

const SOUND_END = "ended by status 0";

interface ProcessEnd {
  /** "ended by SIGSEGV" */
  readonly how: string;
  /** The end of its error stream. */
  readonly said: string;
}

async function runProcess(
  { fuzzer, seed, from, to }: Batch,
  failures: string,
  journal: Journal,
  signal: AbortSignal,
): Promise<ProcessEnd> {
  const list = [PROGRAM, fuzzer, seed, from, to, failures, journal.path].map(String);
  const child = spawn(process.execPath, list, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (data) => {
    said = (said + data).slice(-4000);
  });
  const abort = () => child.kill("SIGKILL");
  signal.addEventListener("abort", abort);
  const stop = killWhereStuck(child, journal);
  const end = await new Promise<string>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, by) => resolve(`ended by ${by ?? `status ${status}`}`));
  });
  signal.removeEventListener("abort", abort);
  const stuck = stop();
  signal.throwIfAborted();
  return { how: stuck ?? end, said };
}

/** Kills a process that has begun an input and not ended it for too long; the returned function stops that. */
function killWhereStuck(child: ChildProcess, journal: Journal): () => string | undefined {
  let [size, since] = [journal.size, Date.now()];
  let stuck: string | undefined;
  const timer = setInterval(() => {
    // On a busy machine it takes its time to start.
    if (journal.size !== size || size === 0) [size, since] = [journal.size, Date.now()];
    if (Date.now() - since < LIMITS.waitSeconds * 1000) return;
    stuck = `it did not end within ${LIMITS.waitSeconds} s`;
    child.kill("SIGKILL");
  }, 250);
  return () => {
    clearInterval(timer);
    return stuck;
  };
}

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { builtUrl } from "../worker-url.js";
import type { EpochNews, Job, Order, Told } from "./job.js";

export type Outcome = Exclude<Told, { told: "epoch" }>;

/** A run in a process of its own. */
export interface RunProcess {
  readonly pid: number | undefined;
  /** Never rejects. */
  readonly outcome: Promise<Outcome>;
  /** After the current step; its last epoch stays. */
  stop(): void;
}

/** A step of a large network takes long. */
const GRACE_MS = 30_000;
/** Of what a process says as it dies. */
const LAST_WORDS = 2000;

export function startRun(job: Job, onEpoch: (news: EpochNews) => void): RunProcess {
  const child = fork(fileURLToPath(builtUrl("study/process.js")), {
    execArgv: [],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let said: Outcome | undefined;
  let lastWords = "";
  child.stderr!.on("data", (chunk: Buffer) => {
    lastWords = (lastWords + chunk).slice(-LAST_WORDS);
  });
  child.on("message", (told: Told) => {
    if (told.told === "epoch") onEpoch(told.news);
    else said = told;
  });
  const order = (given: Order) => {
    if (child.connected) child.send(given, () => undefined);
  };
  const outcome = new Promise<Outcome>((resolve) => {
    const fail = (message: string) => resolve({ told: "failed", message, isDiskFull: false });
    child.on("error", (error) => fail(`its process could not be started: ${error.message}`));
    child.on("close", (code, signal) => {
      if (said) resolve(said);
      else fail(deathOf(code, signal, lastWords));
    });
  });
  order({ order: "train", job });
  const stop = () => {
    order({ order: "stop" });
    const kill = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
    child.once("close", () => clearTimeout(kill));
  };
  return { pid: child.pid, outcome, stop };
}

function deathOf(code: number | null, signal: NodeJS.Signals | null, lastWords: string): string {
  const how =
    signal === null
      ? `its process ended with status ${code}`
      : `its process was ended by ${signal}${signal === "SIGKILL" ? " (by somebody, or for want of memory)" : ""}`;
  return lastWords.trim() ? `${how}: ${lastWords.trim()}` : how;
}

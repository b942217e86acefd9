/** The process of one run: trains what its parent orders, and ends with it. */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { OnebitError } from "onebit";
import { openDataset } from "../data/index.js";
import type { Recipe } from "../recipes/index.js";
import { evaluated } from "../run/events.js";
import { refuseHeld } from "../run/lock.js";
import { RunFolder } from "../run/run-folder.js";
import { train } from "../run/train.js";
import type { Job, Order, Told } from "./job.js";

const abort = new AbortController();

process.on("message", (given: Order) => {
  if (given.order === "stop") abort.abort();
  else void obey(given.job);
});
// What is on disk is always whole, and nobody is left to listen.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
// They reach all processes of a terminal; the parent says what they mean.
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => undefined);

async function obey(job: Job): Promise<void> {
  if (job.priority === "low") lowerPriority();
  tell(await outcome(job), () => process.exit());
}

function lowerPriority(): void {
  try {
    setPriority(constants.priority.PRIORITY_LOW);
  } catch {
    // Where that is not allowed, it runs as any other.
  }
}

async function outcome({ recipe, data, options }: Job): Promise<Told> {
  try {
    const { spec, ...limits } = data;
    const dataset = await openDataset(spec, limits);
    await orphansEnd(options.out);
    const resume = await isBegun(options.out, recipe);
    let stage: string | undefined;
    await train(recipe, {
      ...{ ...options, data: dataset, resume, signal: abort.signal },
      onEvent(event) {
        if (event.event === "start") stage = event.stage;
        if (event.event !== "epoch") return;
        const { epoch, epochs, secondsLeft } = event;
        const { top1 } = evaluated(event).scores;
        tell({ told: "epoch", news: { epoch, epochs, stage, top1, secondsLeft } });
      },
    });
    return { told: "done" };
  } catch (error) {
    if (abort.signal.aborted) return { told: "stopped" };
    const { message, stack } = error as Error;
    const isExpected = error instanceof OnebitError;
    return {
      ...{ told: "failed", isDiskFull: isDiskFull(error) },
      message: isExpected ? message : (stack ?? String(error)),
    };
  }
}

/** A killed study's processes end as soon as they notice. */
async function orphansEnd(out: string): Promise<void> {
  const { lock } = new RunFolder(out);
  for (let waited = 0; waited < 20_000; waited += 200) {
    const isFree = await refuseHeld(lock).then(
      () => true,
      () => false,
    );
    if (isFree) return;
    await setTimeout(200);
  }
}

/** Whether there is a state to go on from. What was killed before it had one begins again. */
async function isBegun(out: string, { stages }: Recipe): Promise<boolean> {
  let isBegun = false;
  for (const path of [...stages.map(({ name }) => join(out, name)), out]) {
    const folder = new RunFolder(path);
    if (!(await folder.exists())) continue;
    if (existsSync(folder.checkpoint)) isBegun = true;
    else await rm(join(path, "run.json"));
  }
  return isBegun;
}

function isDiskFull(error: unknown): boolean {
  const { code, cause } = error as { code?: string; cause?: unknown };
  if (code === "ENOSPC" || code === "EDQUOT") return true;
  return typeof cause === "object" && cause !== null && isDiskFull(cause);
}

function tell(told: Told, then?: () => void): void {
  process.send!(told, undefined, undefined, () => then?.());
}

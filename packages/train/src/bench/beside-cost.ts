import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { OnebitError } from "onebit";
import type { ModelChoice } from "../run/network.js";
import { builtUrl } from "../worker-url.js";
import { type StepCost, type StepTime, stepCost } from "./step-cost.js";

/** What one process trains. */
export interface BesideJob {
  readonly model: ModelChoice;
  readonly batch: number;
  /** Of one round. */
  readonly steps: number;
  /** Of each training. */
  readonly threads: number;
}

/** How long steps of several trainings take side by side, each in a process of its own. */
export interface BesideCost extends Omit<BesideJob, "model"> {
  readonly model: string;
  readonly trainings: number;
  readonly rounds: number;
  /** One training, the others waiting. */
  readonly alone: StepCost;
  /** All at once; ratios to the same training alone in the same round. */
  readonly together: StepCost;
}

/** How trainings side by side are measured. */
export interface BesideOptions {
  /** Default 2. */
  readonly trainings?: number;
  readonly batch?: number;
  readonly threads?: number;
  readonly steps?: number;
  readonly rounds?: number;
}

/**
 * Trainings on generated characters in turns: each alone, then all at once, loading of images included. What a
 * study's runs cost each other.
 */
export async function measureBeside(
  model: ModelChoice,
  { trainings = 2, batch = 64, threads = 1, steps = 10, rounds = 9 }: BesideOptions = {},
): Promise<BesideCost> {
  const job: BesideJob = { model, batch, steps, threads };
  const trainees = Array.from({ length: trainings }, () => new Trainee());
  const alone: StepTime[] = [];
  const together: StepTime[] = [];
  try {
    await Promise.all(trainees.map((trainee) => trainee.begin(job)));
    for (let round = -1; round < rounds; round++) {
      const single: StepTime[] = [];
      for (const trainee of trainees) single.push(await trainee.epoch());
      const all = await Promise.all(trainees.map((trainee) => trainee.epoch()));
      if (round < 0) continue;
      alone.push(...single);
      together.push(...all);
    }
  } finally {
    for (const trainee of trainees) trainee.end();
  }
  const perStep = ({ medianMs, ...ratios }: StepCost) => ({
    medianMs: medianMs / steps,
    ...ratios,
  });
  return {
    model: typeof model === "string" ? model : model.name,
    ...{ batch, threads, steps, trainings, rounds },
    alone: perStep(stepCost(alone, alone)),
    together: perStep(stepCost(together, alone)),
  };
}

/** A training in a process of its own. */
class Trainee {
  readonly #child: ChildProcess = fork(fileURLToPath(builtUrl("bench/beside-process.js")), {
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  readonly #ended = once(this.#child, "exit").then(([status]) => {
    throw new OnebitError(`a training ended with status ${status}`);
  });

  /** Set up, nothing trained yet. */
  begin(job: BesideJob): Promise<unknown> {
    return this.#asked(job);
  }

  epoch(): Promise<StepTime> {
    return this.#asked("epoch") as Promise<StepTime>;
  }

  end(): void {
    this.#ended.catch(() => undefined);
    this.#child.kill();
  }

  async #asked(order: object | string): Promise<unknown> {
    const reply = once(this.#child, "message");
    this.#child.send(order);
    const [message] = await Promise.race([reply, this.#ended]);
    return message;
  }
}

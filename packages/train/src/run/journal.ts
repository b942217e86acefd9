import type { Looked } from "../advice/advice.js";
import { Advisor, peakRate } from "../advice/index.js";
import type { Board } from "../tensorboard/index.js";
import type { EpochEvent, ObservationEvent, TrainEvent, TrainingWarning } from "./events.js";
import type { Setup } from "./prepare.js";
import type { LoggedEvent, RunFolder } from "./run-folder.js";

export interface JournalOptions {
  readonly setup: Setup;
  readonly folder: RunFolder;
  readonly board?: Board;
  /** What metrics.jsonl has of the epochs that are done. */
  readonly past: readonly LoggedEvent[];
  readonly tell: (event: TrainEvent) => Promise<void>;
}

/** More observations are not kept for the report. */
const SHOWN_OBSERVATIONS = 1000;

/**
 * What is written down of a training and told to whoever listens: lines of metrics.jsonl, scalars for
 * TensorBoard, and advice where something looks wrong.
 */
export class Journal {
  readonly history: EpochEvent[];
  readonly warnings: TrainingWarning[];
  readonly #options: JournalOptions;
  readonly #advisor: Advisor;
  #observations: ObservationEvent[];

  constructor(options: JournalOptions) {
    const { past } = options;
    this.#options = options;
    this.history = past.filter((event) => event.event === "epoch");
    this.warnings = past.filter((event) => event.event === "warning");
    this.#observations = past.filter((event) => event.event === "observation");
    this.#advisor = advisorOf(options, this.warnings);
  }

  /** Of long trainings some of them. */
  get observations(): readonly ObservationEvent[] {
    return this.#observations;
  }

  async log(event: LoggedEvent): Promise<void> {
    const { folder, board } = this.#options;
    await folder.log(event);
    await board?.log(event);
  }

  async epoch(event: EpochEvent): Promise<void> {
    this.history.push(event);
    await this.#noted(event);
    await this.#advise(event);
  }

  /** learningRate: of its step. */
  async observation(event: ObservationEvent, learningRate: number): Promise<void> {
    this.#observations.push(event);
    if (this.#observations.length > SHOWN_OBSERVATIONS) {
      this.#observations = this.#observations.filter((_, i) => i % 2 === 1);
    }
    await this.#noted(event);
    await this.#advise({ ...event, learningRate });
  }

  async #advise(event: Looked): Promise<void> {
    for (const warning of this.#advisor.after(event)) {
      this.warnings.push(warning);
      await this.#noted(warning);
    }
  }

  async #noted(event: LoggedEvent): Promise<void> {
    await this.log(event);
    await this.#options.tell(event);
  }
}

function advisorOf({ setup }: JournalOptions, said: readonly TrainingWarning[]): Advisor {
  const { schedules, recipe, division, teachers } = setup;
  const course = {
    rate: schedules.learningRate,
    epochs: recipe.epochs,
    stepsPerEpoch: division.stepsPerEpoch,
  };
  const teachersAt = (epoch: number) => teachers.at(epoch - 1);
  return new Advisor({ peakRate: peakRate(course), teachersAt }, said);
}

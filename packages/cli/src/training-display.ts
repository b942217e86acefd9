import type { EpochEvent, StartEvent, StepEvent, TrainEvent } from "@onebit/train";
import { stderrColors as colors } from "./colors.js";
import { bar, StatusLine } from "./progress.js";
import { count, duration, type Output, percent, threadCount } from "./terminal.js";

/** Live progress on a terminal, one line per epoch elsewhere, one JSON line per event with --jsonl. */
export class TrainingDisplay {
  readonly #out: Output;
  readonly #status = new StatusLine();

  constructor(out: Output) {
    this.#out = out;
  }

  show(event: TrainEvent): void {
    this.#out.item(event);
    if (this.#out.jsonl) return;
    if (event.event === "step") {
      this.#status.show(stepLine(event));
      return;
    }
    this.#status.clear();
    for (const line of linesOf(event)) this.#out.note(line);
  }

  end(): void {
    this.#status.clear();
  }
}

function linesOf(event: Exclude<TrainEvent, StepEvent>): string[] {
  switch (event.event) {
    case "start":
      return startLines(event);
    case "epoch":
      return [epochLine(event)];
    case "warning":
      return [`${colors.yellow("warning")} ${event.message}`];
    case "saved":
      return [];
    case "done":
      return [
        `done in ${duration(event.seconds)}: best test top-1 ${percent(event.best.top1)} after epoch ${event.best.epoch}, in ${event.out}`,
      ];
    default:
      return event satisfies never;
  }
}

function startLines(event: StartEvent): string[] {
  const stage = event.stage ? `, stage ${event.stage}` : "";
  const resumed = event.epochsDone ? `, ${event.epochsDone} epochs done before` : "";
  return [
    `${colors.bold(event.model)} (${count(event.parameters)} parameters, ${count(event.binaryParameters)} 1-bit), recipe ${event.recipe}${stage}${resumed}`,
    `${count(event.trainImages)} training and ${count(event.testImages)} test images, ${event.classes} classes; ${event.epochs} epochs of ${count(event.stepsPerEpoch)} steps of ${event.batch} images, ${threadCount(event.threads)}, seed ${event.seed}`,
  ];
}

/** What matters least comes last, where a narrow terminal cuts it off. */
function stepLine(event: StepEvent): string {
  const { epoch, epochs, step, steps, loss, accuracy, flipRate } = event;
  const flips = flipRate === null ? "" : `  flips ${percent(flipRate, 3)}`;
  return `${bar(step / steps)} epoch ${epoch}/${epochs}  ${duration(event.secondsLeft)} left  loss ${loss.toFixed(3)}  top-1 ${percent(accuracy, 1)}  ${event.imagesPerSecond.toFixed(0)} images/s${flips}`;
}

function epochLine(event: EpochEvent): string {
  const { epoch, epochs, train, test, final, flipRate, imagesPerSecond, secondsLeft } = event;
  const flips = flipRate === null ? "" : `  flips ${percent(flipRate, 3)}`;
  const soft = final ? "" : colors.dim("  (weights not binary yet)");
  return `epoch ${String(epoch).padStart(3)}/${epochs}  loss ${train.loss.toFixed(3)}  train ${percent(train.top1, 1)}  test ${colors.bold(percent(test.top1))}${flips}  ${imagesPerSecond.toFixed(0)} images/s  ${duration(secondsLeft)} left${soft}`;
}

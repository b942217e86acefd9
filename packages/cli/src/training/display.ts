import {
  type DoneEvent,
  type EpochEvent,
  evaluated,
  type StartEvent,
  type StepEvent,
  type TrainEvent,
} from "@onebit/train";
import { counted } from "onebit/words";
import { stderrColors as colors } from "../colors.js";
import { bar, StatusLine } from "../progress.js";
import { count, duration, type Output, percent } from "../terminal.js";

/** After so many steps their speed tells how long the training will take. */
const STEPS_TO_TELL = 10;
/** Of longer trainings not every epoch gets a line. */
const EPOCH_LINES = 30;

/**
 * Live progress on a terminal, lines for the epochs elsewhere (of many epochs for some), one JSON line
 * per event with --jsonl.
 */
export class TrainingDisplay {
  readonly #out: Output;
  readonly #status = new StatusLine();
  #start: StartEvent | undefined;
  /** Steps of this sitting. */
  #steps = 0;

  constructor(out: Output) {
    this.#out = out;
  }

  show(event: TrainEvent): void {
    this.#out.item(event);
    if (event.event === "start") {
      this.#start = event;
      this.#steps = 0;
    }
    if (this.#out.jsonl) return;
    if (event.event === "step" && ++this.#steps !== STEPS_TO_TELL) {
      this.#status.show(stepLine(event));
      return;
    }
    this.#status.clear();
    for (const line of this.#linesOf(event)) this.#out.note(line);
  }

  end(): void {
    this.#status.clear();
  }

  #linesOf(event: TrainEvent): string[] {
    switch (event.event) {
      case "start":
        return startLines(event);
      case "step":
        return [`about ${duration(event.secondsLeft)} to go, at ${speed(event)}`];
      case "epoch":
        return isShown(event) ? [epochLine(event, this.#start?.stage !== undefined)] : [];
      case "note":
        return [`note: ${event.message}`];
      case "warning":
        return [`${colors.yellow("warning")} ${event.message}`];
      case "observation":
        return [];
      case "views":
        return [`asking the teachers: view ${event.done + 1} of ${event.of}`];
      case "saved":
        return [];
      case "done":
        return [doneLine(event), waitingLine(event, this.#start)];
      default:
        return event satisfies never;
    }
  }
}

function startLines(event: StartEvent): string[] {
  const stage = event.stage ? `, stage ${event.stage}` : "";
  const resumed = event.epochsDone ? `, ${counted(event.epochsDone, "epoch")} done before` : "";
  const [channels, height, width] = event.input;
  return [
    `${colors.bold(event.model)} (${counted(event.parameters, "parameter")}, ${count(event.binaryParameters)} 1-bit), recipe ${event.recipe}${stage}${resumed}`,
    `${imagesOf(event)}, ${counted(event.classes, "class")}; the network sees ${width}x${height} pixels, ${channels === 1 ? "grey" : "in colour"}`,
    ...event.teachers.map(
      ({ role, path, top1 }) =>
        `${role} ${path}: ${top1 === null ? "not measured" : `${percent(top1)} of the test images right`}`,
    ),
    `${counted(event.epochs, "epoch")} of ${counted(event.stepsPerEpoch, "step")} of ${counted(event.batch, "image")}, ${counted(event.threads, "thread")}, seed ${event.seed}`,
  ];
}

function imagesOf({ trainImages, testImages, validationImages: held }: StartEvent): string {
  const last = counted(testImages, "test image");
  if (held === undefined) return `${count(trainImages)} training and ${last}`;
  return `${count(trainImages)} training, ${count(held)} held-back and ${last}`;
}

const speed = ({ imagesPerSecond }: { readonly imagesPerSecond: number }) =>
  `${imagesPerSecond.toFixed(imagesPerSecond < 10 ? 1 : 0)} images/s`;

/** What matters least comes last, where a narrow terminal cuts it off. */
function stepLine(event: StepEvent): string {
  const { epoch, epochs, step, steps, loss, accuracy, flipRate } = event;
  const flips = flipRate === null ? "" : `  flips ${percent(flipRate, 3)}`;
  return `${bar(step / steps)} epoch ${epoch}/${epochs}  ${duration(event.secondsLeft)} left  loss ${loss.toFixed(3)}  top-1 ${percent(accuracy, 1)}  ${speed(event)}${flips}`;
}

function isShown({ epoch, epochs }: EpochEvent): boolean {
  return epoch % Math.ceil(epochs / EPOCH_LINES) === 0 || epoch === epochs;
}

function epochLine(event: EpochEvent, isStage: boolean): string {
  const { epoch, epochs, train, flipRate, secondsLeft } = event;
  const { part, scores } = evaluated(event);
  const flips = flipRate === null ? "" : `  flips ${percent(flipRate, 3)}`;
  const metrics = Object.entries(scores.metrics ?? {});
  const own = metrics.map(([name, value]) => `  ${name} ${value.toPrecision(4)}`).join("");
  return `epoch ${String(epoch).padStart(3)}/${epochs}  loss ${train.loss.toFixed(3)}  train ${percent(train.top1, 1)}  ${part} ${colors.bold(percent(scores.top1))}${own}${flips}  ${speed(event)}  ${duration(secondsLeft)} left${weightsNote(event, isStage)}`;
}

/** Where what is evaluated is not what will be packed. */
function weightsNote({ weights }: EpochEvent, isStage: boolean): string {
  if (weights === "soft") return colors.dim("  (weights not binary yet)");
  return weights === "real" && isStage ? colors.dim("  (weights are real in this stage)") : "";
}

/** Whether more threads for data, or views that are kept, would make it faster. */
function waitingLine({ waiting }: DoneEvent, start: StartEvent | undefined): string {
  const { images, teachers } = waiting;
  const forTeachers = start?.teachers.length ? `, ${percent(teachers, 1)} for teachers` : "";
  return `of the time of its steps ${percent(images, 1)} was waiting for images${forTeachers}`;
}

function doneLine({ seconds, best, test, keep, out }: DoneEvent): string {
  const part = test ? "validation" : "test";
  const which = keep === "best" ? `best ${part}` : part;
  const last = test ? `; test top-1 ${percent(test.top1)}` : "";
  return `done in ${duration(seconds)}: ${which} top-1 ${percent(best.top1)} after epoch ${best.epoch}${last}, in ${out}`;
}

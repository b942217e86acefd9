import { nameOfRun, type StudyEvent } from "@onebit/train/study";
import { counted } from "onebit/words";
import { stderrColors as colors } from "../colors.js";
import { StatusLine } from "../progress.js";
import { duration, type Output, percent } from "../terminal.js";
import { planLines } from "./tables.js";

/** What runs side by side now, on one line; a line for each run that ends. */
export class StudyDisplay {
  readonly #out: Output;
  readonly #status = new StatusLine();
  readonly #running = new Map<string, string>();

  constructor(out: Output) {
    this.#out = out;
  }

  show(event: StudyEvent): void {
    this.#out.item(event);
    if (this.#out.jsonl) return;
    switch (event.event) {
      case "trying":
        this.#status.show(`trying ${event.variant}`);
        return;
      case "plan":
        for (const line of planLines(event.plan)) this.#line(line);
        return;
      case "run":
        this.#running.set(nameOfRun(event), "begins");
        break;
      case "epoch": {
        const { epoch, epochs, stage, top1, secondsLeft } = event;
        const where = `${stage === undefined ? "" : `${stage} `}${epoch}/${epochs}`;
        this.#running.set(
          nameOfRun(event),
          `${where} ${percent(top1, 1)} ${duration(secondsLeft)} left`,
        );
        break;
      }
      case "crash": {
        const then = event.isLast ? "it is not tried again" : "trying again";
        this.#line(`${colors.yellow("warning")} ${nameOfRun(event)}: ${event.message}: ${then}`);
        break;
      }
      case "run-ended":
        this.#running.delete(nameOfRun(event.result));
        this.#line(endedLine(event));
        break;
      default:
        event satisfies never;
    }
    const now = [...this.#running].map(([name, state]) => `${name} ${state}`);
    this.#status.show(now.join("  |  "));
  }

  end(): void {
    this.#status.clear();
  }

  #line(text: string): void {
    this.#status.clear();
    this.#out.note(text);
  }
}

function endedLine({ result, done, of }: Extract<StudyEvent, { event: "run-ended" }>): string {
  const { figures, epoch, seconds = 0 } = result;
  const name = nameOfRun(result);
  const progress = `${done} of ${counted(of, "run")} done`;
  if (!figures) return `${name}: failed; ${progress}`;
  const test = colors.bold(percent(figures["test.top1"]));
  return `${name}: test top-1 ${test} with epoch ${epoch}, in ${duration(seconds)}; ${progress}`;
}

import type { TrainingWarning } from "../run/events.js";
import type { Advice, Looked, Training } from "./advice.js";
import { deadSigns } from "./dead-signs.js";
import { frozenWeights } from "./frozen-weights.js";
import { saturation } from "./saturation.js";
import { slowLoader } from "./slow-loader.js";
import { weakTeacher } from "./weak-teacher.js";

/** All that is looked for, by the name that its warnings have. */
const advice: { readonly [name: string]: (training: Training) => Advice } = {
  "dead-signs": deadSigns,
  "frozen-weights": frozenWeights,
  saturation,
  "slow-loader": slowLoader,
  "weak-teacher": weakTeacher,
};

/** Says what is wrong with a training, once. */
export class Advisor {
  readonly #advice: readonly (readonly [name: string, Advice])[];
  readonly #said = new Set<string>();

  /** said: in earlier sittings. */
  constructor(training: Training, said: readonly TrainingWarning[] = []) {
    this.#advice = Object.entries(advice).map(([name, make]) => [name, make(training)]);
    for (const { advice: name, about } of said) for (const one of about) this.#isNew(name, one);
  }

  after(event: Looked): TrainingWarning[] {
    return this.#advice.flatMap(([name, { find, say }]) => {
      const findings = find(event).filter(({ about }) => this.#isNew(name, about));
      if (!findings.length) return [];
      const { epoch, step } = event;
      const about = findings.map(({ about }) => about);
      return [{ event: "warning", advice: name, about, epoch, step, message: say(findings) }];
    });
  }

  #isNew(name: string, about: string): boolean {
    const key = JSON.stringify([name, about]);
    if (this.#said.has(key)) return false;
    this.#said.add(key);
    return true;
  }
}

import { evaluated } from "../run/events.js";
import { type Advice, type Finding, listed, type Training } from "./advice.js";

/** By so much the student has to be better: a point. */
export const MARGIN = 0.01;

/** Teachers that know less than their student. */
export function weakTeacher({ teachersAt }: Training): Advice {
  return {
    find(event) {
      if (event.event !== "epoch") return [];
      const { top1 } = evaluated(event).scores;
      return teachersAt(event.epoch).flatMap((teacher): Finding[] =>
        teacher.top1 === null || top1 < teacher.top1 + MARGIN
          ? []
          : [
              {
                about: teacher.path,
                figure: `${points(teacher.top1)}, the student ${points(top1)}`,
              },
            ],
      );
    },
    say: (findings) =>
      `weak teacher ${listed(findings)}: the student gets more of the same images right than who teaches it, so that it is held back. Take a better teacher, or give the labels more weight in the loss`,
  };
}

const points = (share: number) => `${(100 * share).toFixed(1)} %`;

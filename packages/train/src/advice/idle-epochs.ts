import { counted } from "onebit/words";
import type { Schedule } from "../schedules/index.js";

interface Course {
  readonly rate: Schedule;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
}

/** One epoch in so many may be idle, as the last of ReActNet's published schedules is. */
export const ONE_IN = 50;

const rateAt = ({ rate, epochs, stepsPerEpoch }: Course, epoch: number, step: number): number =>
  rate({ step: epoch * stepsPerEpoch + step, stepsPerEpoch, epochs });

/** The learning rates of an epoch's first, middle and last step. */
function ratesOf(course: Course, epoch: number): number[] {
  const { stepsPerEpoch } = course;
  const steps = [0, Math.floor(stepsPerEpoch / 2), stepsPerEpoch - 1];
  return steps.map((step) => rateAt(course, epoch, step));
}

function isIdle(course: Course, epoch: number): boolean {
  if (ratesOf(course, epoch).some((rate) => rate !== 0)) return false;
  const steps = Array.from({ length: course.stepsPerEpoch }, (_, step) => step);
  return steps.every((step) => rateAt(course, epoch, step) === 0);
}

/** Of all epochs. */
export function peakRate(course: Course): number {
  return Array.from({ length: course.epochs }, (_, epoch) => ratesOf(course, epoch)).reduce(
    (peak, rates) => Math.max(peak, ...rates),
    0,
  );
}

/** Epochs whose steps have learning rate 0: said before the training, not after it. */
export function idleEpochs(course: Course): string[] {
  const idle = Array.from({ length: course.epochs }, (_, epoch) => epoch + 1).filter((epoch) =>
    isIdle(course, epoch - 1),
  );
  if (idle.length * ONE_IN < course.epochs || !idle.length) return [];
  const [first, last] = [idle[0], idle[idle.length - 1]];
  const which =
    idle.length === 1 ? `epoch ${first}` : `${counted(idle.length, "epoch")} (${first} to ${last})`;
  return [
    `the learning rate is 0 in ${which} of ${course.epochs}: such an epoch changes nothing but running statistics. Change the schedule (schedule.per=step, schedule.finalLearningRate, schedule.warmupLearningRate), or train less long`,
  ];
}

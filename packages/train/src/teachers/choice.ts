import type { OnnxSettings } from "@onebit/convert";

/** A network to learn from. */
export interface TeacherChoice {
  /** An ONNX file, a float model (.safetensors), a packed file, or the folder of a run. */
  readonly path: string;
  /** What an ONNX file does not say itself: labels, preprocessing, layout, name of its scores. */
  readonly onnx?: OnnxSettings;
}

/** Who teaches. */
export interface TeacherOptions {
  /** From the first epoch to the last, side by side: "teacher0." and so on, after an assistant. */
  readonly teachers?: readonly (string | TeacherChoice)[];
  /**
   * Weak to strong: each for an equal part of the epochs, as "teacher0."; the teachers come after it
   * (BNext's consecutive distillation: epoch e of E has assistant floor(e / (E / A)) of A).
   */
  readonly assistants?: readonly (string | TeacherChoice)[];
}

/** How often teachers are asked. */
export interface TeachingOptions extends TeacherOptions {
  /**
   * Show each image in so many views only, which epochs take in turns; what teachers say of them is asked
   * once and kept. Default: every epoch has views of its own, and teachers are asked in every step.
   */
  readonly teacherViews?: number;
  /** Where that is kept; default: the folder "teacher-views" beside the run's. */
  readonly teacherCache?: string;
}

/** What a loss asks by number: a teacher, or assistants in turn. */
export interface Seat {
  readonly role: "assistant" | "teacher";
  readonly choices: readonly TeacherChoice[];
}

/** In the order of their numbers. */
export function seatsOf({ teachers = [], assistants = [] }: TeacherOptions): Seat[] {
  const one = teachers.map((given) => ({ role: "teacher" as const, choices: [choiceOf(given)] }));
  if (!assistants.length) return one;
  return [{ role: "assistant", choices: assistants.map(choiceOf) }, ...one];
}

/** What is known of a teacher before it is opened. */
export interface GivenTeacher extends NamedTeacher {
  readonly sha256: string;
  /** What the training was told of an ONNX file; absent: nothing. */
  readonly onnx?: OnnxSettings;
}

export interface NamedTeacher extends Pick<Seat, "role"> {
  readonly path: string;
}

export function namedTeachers(seats: readonly Seat[]): NamedTeacher[] {
  return seats.flatMap(({ role, choices }) => choices.map(({ path }) => ({ role, path })));
}

export const choiceOf = (given: string | TeacherChoice): TeacherChoice =>
  typeof given === "string" ? { path: given } : given;

/** Which assistant teaches in an epoch (from 0), of `count` in `epochs`. */
export function assistantAt(epoch: number, epochs: number, count: number): number {
  return Math.floor((epoch * count) / epochs);
}

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { OnnxSettings } from "@onebit/convert";
import { OnebitError, UsageError } from "onebit";
import type { Preprocess } from "onebit/image";
import { shellWord } from "onebit/words";
import { type Dataset, matchClasses } from "../data/index.js";
import { evaluateSubject, usualPreprocess } from "../subjects/evaluate.js";
import { subjectInThread } from "../subjects/in-thread.js";
import { scoresOf } from "../subjects/scores-of.js";
import type { Subject } from "../subjects/subject.js";
import { type GivenTeacher, seatsOf, type TeacherChoice, type TeacherOptions } from "./choice.js";
import { teacherImages } from "./teacher-images.js";
import type { TeacherRecord } from "./teachers.js";

/** Where teachers teach. */
export interface TeachingPlace {
  readonly dataset: Dataset;
  readonly threads: number;
  /** Whether each is tried on the test images, which takes a while. Default: true. */
  readonly measured?: boolean;
  /** What was measured before on the same images: it is not measured again. */
  readonly known?: readonly TeacherRecord[];
}

/** A teacher in its thread, ready to say what it makes of a student's batch. */
export class Teacher {
  /** On the test images of the student's data; null where it was not measured. */
  readonly top1: number | null;
  /** SHA-256 of the file. */
  readonly sha256: string;
  /** What its file did not say itself. */
  readonly onnx?: OnnxSettings;
  readonly notes: readonly string[];
  readonly #subject: Subject;
  /** How it sees images. */
  readonly preprocess: Preprocess;
  /** Of each class of the data, its number among the teacher's; undefined where they are the same. */
  readonly #order?: readonly number[];

  /** OnebitError for a missing file, or classes that are others than those of the data. */
  static async open(
    choice: TeacherChoice,
    { dataset, threads, measured = true, known = [] }: TeachingPlace,
  ): Promise<Teacher> {
    const { path, onnx } = choice;
    const sha256 = await checksum(path);
    const subject = await named(path, () =>
      subjectInThread(path, { backend: "auto", threads, onnx }),
    );
    try {
      checkPreparation(subject, choice);
      const scores = scoresOf(subject);
      const { numbers, notes } = await named(path, async () => matchClasses(scores, dataset));
      const before = known.find((one) => isSame(one, { sha256, onnx }))?.top1 ?? null;
      const isKnown = !measured || before !== null;
      const top1 = isKnown
        ? before
        : (await named(path, () => evaluateSubject(subject, dataset))).top1;
      return new Teacher(subject, { dataset, numbers, sha256, onnx, top1, notes });
    } catch (error) {
      await subject.dispose();
      throw error;
    }
  }

  private constructor(
    subject: Subject,
    known: {
      readonly dataset: Dataset;
      readonly numbers: readonly number[];
      readonly sha256: string;
      readonly onnx?: OnnxSettings;
      readonly top1: number | null;
      readonly notes: readonly string[];
    },
  ) {
    this.#subject = subject;
    this.preprocess = subject.preprocess ?? usualPreprocess(subject, known.dataset);
    this.sha256 = known.sha256;
    this.onnx = known.onnx;
    this.top1 = known.top1;
    this.notes = known.notes;
    const { classes } = scoresOf(subject);
    const isSame = known.numbers.length === classes && known.numbers.every((k, i) => k === i);
    this.#order = isSame ? undefined : known.numbers;
  }

  get path(): string {
    return this.#subject.path;
  }

  /** Shapes of what it can be asked for, for one image; logits are in the order of the data's classes. */
  get outputs(): { readonly [name: string]: readonly number[] } {
    const shapes = Object.entries(this.#subject.outputs).map(([name, { shape }]) => [name, shape]);
    const own = Object.fromEntries(shapes);
    return this.#order ? { ...own, logits: [this.#order.length] } : own;
  }

  /** images: [N, C, H, W] as `own` prepares them. Values [N, ...] by output. */
  async answer(
    images: Float32Array,
    own: Preprocess,
    outputs: readonly string[],
  ): Promise<{ [output: string]: Float32Array }> {
    const { channels, size } = this.preprocess;
    const data = teacherImages(images, own, this.preprocess);
    const count = data.length / (channels * size[0] * size[1]);
    const said = await this.#subject.run({ shape: [count, channels, ...size], data }, outputs);
    const values = outputs.map((name) => [name, said[name].data as Float32Array]);
    const answers = Object.fromEntries(values) as { [output: string]: Float32Array };
    if (this.#order && answers.logits)
      answers.logits = reordered(answers.logits, count, this.#order);
    return answers;
  }

  dispose(): Promise<void> {
    return this.#subject.dispose();
  }
}

/** UsageError where nobody says how images are normalised, or settings are of no file that takes them. */
function checkPreparation(
  { kind, preprocess, normalisationAssumed }: Subject,
  { path, onnx }: TeacherChoice,
): void {
  if (onnx && kind !== "onnx") {
    throw new UsageError(
      `teacher ${path}: says itself how images are prepared and what classes are called: leave out what stands behind the "?"`,
    );
  }
  if (!normalisationAssumed || !preprocess) return;
  const { mean, std } = preprocess;
  const example = shellWord(`${path}?mean=${mean.join(",")}&std=${std.join(",")}`);
  throw new UsageError(
    `teacher ${path}: the file does not say how its images are normalised. Say it as it was trained, such as --teacher ${example} (the usual values); further: &resize=, &crop=, &interpolation=, &layout=, &labels=FILE, &output-name=`,
  );
}

/** Of several teachers, errors say whose they are. */
async function named<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OnebitError) || error.message.includes(path)) throw error;
    const Kind = error instanceof UsageError ? UsageError : OnebitError;
    throw new Kind(`teacher ${path}: ${error.message}`);
  }
}

function reordered(logits: Float32Array, count: number, order: readonly number[]): Float32Array {
  const classes = logits.length / count;
  const out = new Float32Array(count * order.length);
  for (let n = 0; n < count; n++) {
    order.forEach((from, to) => {
      out[n * order.length + to] = logits[n * classes + from];
    });
  }
  return out;
}

/** What there is to be known of a teacher without opening it: OnebitError for a missing file. */
export async function givenTeachers(options: TeacherOptions): Promise<GivenTeacher[]> {
  const given: GivenTeacher[] = [];
  for (const { role, choices } of seatsOf(options)) {
    for (const { path, onnx } of choices) {
      given.push({ role, path, sha256: await checksum(path), ...(onnx && { onnx }) });
    }
  }
  return given;
}

/** The same file, seen alike. */
function isSame(
  record: Pick<GivenTeacher, "sha256" | "onnx">,
  now: Pick<GivenTeacher, "sha256" | "onnx">,
): boolean {
  const facts = ({ sha256, onnx }: typeof now) => JSON.stringify([sha256, onnx]);
  return facts(record) === facts(now);
}

/** Of a run, its best model. */
async function checksum(path: string): Promise<string> {
  const info = await stat(path).catch(() => undefined);
  if (!info) throw new OnebitError(`teacher ${path}: there is no such file or run`);
  const file = info.isDirectory() ? join(path, "best", "model.safetensors") : path;
  if (info.isDirectory() && !(await stat(file).catch(() => undefined))) {
    throw new OnebitError(
      `teacher ${path}: is a folder without best/model.safetensors, which a run has after its first epoch: name such a run, or a file`,
    );
  }
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  } catch (error) {
    throw new OnebitError(`teacher ${path}: cannot be read: ${(error as Error).message}`);
  }
  return hash.digest("hex");
}

import type { OnnxSettings } from "@onebit/convert";
import { UsageError } from "onebit";
import type { GraphInput, Shape } from "onebit/graph";
import type { Preprocess } from "onebit/image";
import type { Batch } from "../data/index.js";
import { teacherOutput, teacherValue } from "../losses/index.js";
import { assistantAt, choiceOf, type TeacherOptions } from "./choice.js";
import { mixedLogits } from "./mixed-logits.js";
import { Teacher, type TeachingPlace } from "./teacher.js";
import type { Viewing } from "./view-key.js";
import { type ViewOptions, Views } from "./views.js";

/** What a run records of a teacher. */
export interface TeacherRecord {
  readonly role: "assistant" | "teacher";
  readonly path: string;
  readonly sha256: string;
  /** What its file does not say itself; absent: nothing. */
  readonly onnx?: OnnxSettings;
  /** On the test images of the data; null in a dry run, which does not measure it. */
  readonly top1: number | null;
}

/** All teachers of a training, open; which of them teach depends on the epoch. */
export class Teachers {
  readonly #assistants: readonly Teacher[];
  readonly #teachers: readonly Teacher[];
  readonly #epochs: number;
  #cached?: { readonly views: Views; readonly count: number };

  /** Opens them and measures each on the test images. */
  static async open(
    { teachers = [], assistants = [] }: TeacherOptions,
    { epochs, ...place }: TeachingPlace & { readonly epochs: number },
  ): Promise<Teachers> {
    if (assistants.length > epochs) {
      throw new UsageError(
        `${assistants.length} assistants in ${epochs} epochs: each needs an epoch at least. Train longer, or name fewer`,
      );
    }
    const opened: Teacher[] = [];
    try {
      for (const given of [...assistants, ...teachers]) {
        opened.push(await Teacher.open(choiceOf(given), place));
      }
      const first = opened.slice(0, assistants.length);
      return new Teachers(first, opened.slice(assistants.length), epochs);
    } catch (error) {
      for (const teacher of opened) await teacher.dispose();
      throw error;
    }
  }

  private constructor(
    assistants: readonly Teacher[],
    teachers: readonly Teacher[],
    epochs: number,
  ) {
    this.#assistants = assistants;
    this.#teachers = teachers;
    this.#epochs = epochs;
  }

  get records(): TeacherRecord[] {
    const record = (role: TeacherRecord["role"]) => (teacher: Teacher) => {
      const { path, sha256, onnx, top1 } = teacher;
      return { role, path, sha256, ...(onnx && { onnx }), top1 };
    };
    return [...this.#assistants.map(record("assistant")), ...this.#teachers.map(record("teacher"))];
  }

  get notes(): string[] {
    return this.all.flatMap(({ path, notes }) => notes.map((note) => `teacher ${path}: ${note}`));
  }

  /**
   * What is kept of `count` views, and what is missing; writes nothing. UsageError where the disk has no room
   * for that.
   */
  async findViews({ count, folder }: ViewOptions, viewing: Viewing): Promise<Views> {
    const wishes = this.all.map((teacher) => ({ teacher, views: this.#viewsOf(teacher, count) }));
    return Views.find(wishes, viewing, folder);
  }

  /** From now on answers are those that were kept; asks what is missing. The teachers are done then. */
  async keepViews(
    views: Views,
    count: number,
    how: Parameters<Views["complete"]>[0],
  ): Promise<void> {
    await views.complete(how);
    this.#cached = { views, count };
    for (const teacher of this.all) await teacher.dispose();
  }

  #viewsOf(teacher: Teacher, count: number): number[] {
    const epochs = Array.from({ length: this.#epochs }, (_, epoch) => epoch);
    const own = epochs.filter((epoch) => this.at(epoch).includes(teacher));
    return [...new Set(own.map((epoch) => epoch % count))];
  }

  /** Those that teach in an epoch (from 0), in the order of their numbers. */
  at(epoch: number): readonly Teacher[] {
    const { length } = this.#assistants;
    if (!length) return this.#teachers;
    return [this.#assistants[assistantAt(epoch, this.#epochs, length)], ...this.#teachers];
  }

  /**
   * What a loss can ask for, for batches of `batch` images: shapes by name. Of assistants, which take
   * turns, what all of them say: the graph is compiled once.
   */
  inputs(batch: number): { [name: string]: Shape } {
    const shapes = this.at(0).flatMap(({ outputs }, t) =>
      Object.entries(outputs)
        .filter(([output, shape]) => t > 0 || this.#allSay(output, shape))
        .map(([output, shape]) => [teacherValue(t, output), [batch, ...shape]]),
    );
    return Object.fromEntries(shapes);
  }

  #allSay(output: string, shape: readonly number[]): boolean {
    return this.#assistants.every(({ outputs }) => outputs[output]?.join() === shape.join());
  }

  /**
   * What the loss asks for of a batch, by those names. Of a mixed batch a teacher sees the mixed images;
   * what was kept of the images is mixed as their labels are.
   */
  async answer(
    epoch: number,
    { images, indices, mixed }: Pick<Batch, "images" | "indices" | "mixed">,
    { own, asked }: { readonly own: Preprocess; readonly asked: readonly string[] },
  ): Promise<{ [name: string]: Float32Array }> {
    const answers = this.at(epoch).map(async (teacher, t) => {
      if (this.#cached) {
        const { views, count } = this.#cached;
        const logits = await views.logits(teacher, epoch % count, indices);
        return [[teacherValue(t), mixed ? mixedLogits(logits, mixed) : logits] as const];
      }
      const outputs = Object.keys(teacher.outputs).filter((name) =>
        asked.includes(teacherValue(t, name)),
      );
      const said = await teacher.answer(images, own, outputs);
      return Object.entries(said).map(([name, data]) => [teacherValue(t, name), data] as const);
    });
    return Object.fromEntries((await Promise.all(answers)).flat());
  }

  /** UsageError for a loss that asks for more than views are kept of. */
  checkKeepable(inputs: readonly GraphInput[]): void {
    const more = inputs.find(({ name }) => (teacherOutput(name) ?? "logits") !== "logits");
    if (!more) return;
    throw new UsageError(
      `--teacher-views keeps logits only, and the loss asks for "${more.name}": leave it out`,
    );
  }

  /** UsageError for teachers that the loss does not ask. */
  checkAsked(loss: string, inputs: readonly GraphInput[]): void {
    const asked = inputs.map(({ name }) => name);
    this.at(0).forEach(({ path, outputs }, t) => {
      if (Object.keys(outputs).some((name) => asked.includes(teacherValue(t, name)))) return;
      throw new UsageError(
        `teacher ${path}: the loss "${loss}" does not ask it. Name one that does, such as --set loss=${this.at(0).length > 1 ? "gap-aware" : "distribution"}, or leave the teacher out`,
      );
    });
  }

  async dispose(): Promise<void> {
    for (const teacher of this.all) await teacher.dispose();
  }

  /** Assistants first, in the order in which they were given. */
  get all(): readonly Teacher[] {
    return [...this.#assistants, ...this.#teachers];
  }
}

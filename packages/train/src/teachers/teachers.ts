import { UsageError } from "onebit";
import type { GraphInput, Shape } from "onebit/graph";
import type { Preprocess } from "onebit/image";
import type { Batch } from "../data/index.js";
import { teacherNumber, teacherOutput, teacherValue } from "../losses/index.js";
import {
  assistantAt,
  type GivenTeacher,
  type Seat,
  seatsOf,
  type TeacherOptions,
} from "./choice.js";
import { mixedLogits } from "./mixed-logits.js";
import { notAsked } from "./needs.js";
import { Teacher, type TeachingPlace } from "./teacher.js";
import type { Viewing } from "./view-key.js";
import { type ViewOptions, Views } from "./views.js";

/** What a run records of a teacher. */
export interface TeacherRecord extends GivenTeacher {
  /** On the test images of the data; null in a dry run, which does not measure it. */
  readonly top1: number | null;
}

/** A number that the loss asks: a teacher, or assistants in turn. */
interface Taken extends Pick<Seat, "role"> {
  readonly number: number;
  readonly turns: readonly Teacher[];
}

/** The teachers of a training, open; which of them teach depends on the epoch. */
export class Teachers {
  readonly #seats: readonly Taken[];
  readonly #epochs: number;
  #cached?: { readonly views: Views; readonly count: number };

  /** Opens those with the `asked` numbers (default: all), and measures each on the test images. */
  static async open(
    options: TeacherOptions,
    {
      epochs,
      asked,
      ...place
    }: TeachingPlace & { readonly epochs: number; readonly asked?: readonly number[] },
  ): Promise<Teachers> {
    const wanted = [...seatsOf(options).entries()].filter(([t]) => asked?.includes(t) ?? true);
    const most = Math.max(0, ...wanted.map(([, { choices }]) => choices.length));
    if (most > epochs) {
      throw new UsageError(
        `${most} assistants in ${epochs} epochs: each needs an epoch at least. Train longer, or name fewer`,
      );
    }
    const opened: Teacher[] = [];
    try {
      const seats: Taken[] = [];
      for (const [number, { role, choices }] of wanted) {
        const turns: Teacher[] = [];
        seats.push({ number, role, turns });
        for (const choice of choices) {
          const teacher = await Teacher.open(choice, place);
          opened.push(teacher);
          turns.push(teacher);
        }
      }
      return new Teachers(seats, epochs);
    } catch (error) {
      for (const teacher of opened) await teacher.dispose();
      throw error;
    }
  }

  private constructor(seats: readonly Taken[], epochs: number) {
    this.#seats = seats;
    this.#epochs = epochs;
  }

  get records(): TeacherRecord[] {
    return this.#seats.flatMap(({ role, turns }) =>
      turns.map(({ path, sha256, onnx, top1 }) => ({
        ...{ role, path, sha256, ...(onnx && { onnx }), top1 },
      })),
    );
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
    return this.#seats.map(({ turns }) => turns[assistantAt(epoch, this.#epochs, turns.length)]);
  }

  /**
   * What a loss can ask for, for batches of `batch` images: shapes by name. Of assistants, which take
   * turns, what all of them say: the graph is compiled once.
   */
  inputs(batch: number): { [name: string]: Shape } {
    const shapes = this.#seats.flatMap(({ number, turns }) =>
      Object.entries(turns[0].outputs)
        .filter(([output, shape]) => allSay(turns, output, shape))
        .map(([output, shape]) => [teacherValue(number, output), [batch, ...shape]]),
    );
    return Object.fromEntries(shapes);
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
    const teaching = this.at(epoch);
    const answers = this.#seats.map(async ({ number: t }, seat) => {
      const teacher = teaching[seat];
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
    const asked = inputs.map(({ name }) => teacherNumber(name));
    const idle = this.#seats.find(({ number }) => !asked.includes(number));
    if (!idle) return;
    const [{ path }] = idle.turns;
    throw notAsked({ role: idle.role, path }, [loss], this.#seats.length);
  }

  async dispose(): Promise<void> {
    for (const teacher of this.all) await teacher.dispose();
  }

  /** Assistants first, in the order in which they were given. */
  get all(): readonly Teacher[] {
    return this.#seats.flatMap(({ turns }) => turns);
  }
}

function allSay(teachers: readonly Teacher[], output: string, shape: Shape): boolean {
  return teachers.every(({ outputs }) => outputs[output]?.join() === shape.join());
}

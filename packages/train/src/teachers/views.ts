import { mkdir, readdir, readFile, statfs } from "node:fs/promises";
import { join } from "node:path";
import { OnebitError, type SignalLike, UsageError } from "onebit";
import { counted } from "onebit/words";
import { BadPictures, imageAugmentations, type Loader } from "../data/index.js";
import { writeWhole } from "../run/files.js";
import type { Teacher } from "./teacher.js";
import { hasView, readView, rowsOf, viewBytes, writeView } from "./view-file.js";
import { identityOf, keyName, type Viewing, viewKey } from "./view-key.js";

/** How often the images are seen anew, and where what teachers said of it is kept. */
export interface ViewOptions {
  /** So many views of each image, of which epoch e shows number e modulo `count`. */
  readonly count: number;
  readonly folder: string;
}

/** Which views of a teacher are needed. */
export interface ViewWish {
  readonly teacher: Teacher;
  readonly views: readonly number[];
}

export interface ViewProgress {
  /** Views done, of so many. */
  readonly done: number;
  readonly of: number;
}

/**
 * What teachers said of every view, on disk: DIR/KEY/view-N.f16, and the facts that KEY stands for in
 * DIR/KEY/key.json. Runs of the same teacher, data, augmentation and seed share it.
 */
export class Views {
  readonly #folders: ReadonlyMap<Teacher, string>;
  readonly #viewing: Viewing;
  readonly notes: readonly string[];
  /** The view that each teacher was last asked for. */
  readonly #read = new Map<
    Teacher,
    { readonly view: number; readonly logits: Promise<Uint16Array> }
  >();

  static async open(
    teachers: readonly Teacher[],
    viewing: Viewing,
    folder: string,
  ): Promise<Views> {
    const folders = new Map<Teacher, string>();
    const notes: string[] = [];
    const data = await identityOf(viewing.dataset);
    for (const teacher of teachers) {
      const key = viewKey(teacher, viewing, data);
      const own = join(folder, keyName(key));
      folders.set(teacher, own);
      const other = await otherKey(folder, key, keyName(key));
      if (other) notes.push(`teacher ${teacher.path}: ${other}: it is asked anew`);
      await mkdir(own, { recursive: true }).catch((error: Error) => {
        throw new OnebitError(`${own}: cannot be made: ${error.message}`);
      });
      await writeWhole(join(own, "key.json"), `${JSON.stringify(key, null, 2)}\n`);
    }
    return new Views(folders, viewing, notes);
  }

  private constructor(
    folders: ReadonlyMap<Teacher, string>,
    viewing: Viewing,
    notes: readonly string[],
  ) {
    this.#folders = folders;
    this.#viewing = viewing;
    this.notes = notes;
  }

  /** Asks the teachers what is not there yet. UsageError, before anything is asked, where it has no room. */
  async complete(
    wishes: readonly ViewWish[],
    how: {
      readonly loader: Loader;
      readonly batch: number;
      readonly signal?: SignalLike;
      readonly onProgress?: (progress: ViewProgress) => void;
    },
  ): Promise<void> {
    const missing = await this.#missing(wishes);
    await this.#checkRoom(missing);
    const numbers = [...new Set(missing.map(({ view }) => view))].toSorted((a, b) => a - b);
    for (const [done, view] of numbers.entries()) {
      how.onProgress?.({ done, of: numbers.length });
      const teachers = missing.filter((one) => one.view === view).map(({ teacher }) => teacher);
      await this.#ask(teachers, view, how);
    }
  }

  /** Logits [indices, classes]. */
  async logits(teacher: Teacher, view: number, indices: Int32Array): Promise<Float32Array> {
    if (this.#read.get(teacher)?.view !== view) {
      this.#read.set(teacher, { view, logits: readView(this.#path(teacher, view)) });
    }
    return rowsOf(await this.#read.get(teacher)!.logits, indices, this.#classes);
  }

  async #missing(wishes: readonly ViewWish[]) {
    const bytes = viewBytes(this.#viewing.dataset.train.length, this.#classes);
    const missing: { readonly teacher: Teacher; readonly view: number }[] = [];
    for (const { teacher, views } of wishes) {
      for (const view of views) {
        if (await hasView(this.#path(teacher, view), bytes)) continue;
        missing.push({ teacher, view });
      }
    }
    return missing;
  }

  async #checkRoom(missing: readonly { readonly teacher: Teacher }[]): Promise<void> {
    if (!missing.length) return;
    const { train } = this.#viewing.dataset;
    const needed = missing.length * viewBytes(train.length, this.#classes);
    const folder = this.#folders.get(missing[0].teacher)!;
    const { bavail, bsize } = await statfs(folder);
    if (needed <= bavail * bsize) return;
    throw new UsageError(
      `${folder}: what teachers say of ${counted(missing.length, "view")} of ${counted(train.length, "image")} takes ${megabytes(needed)}, ${megabytes(bavail * bsize)} are free: take fewer views (--teacher-views), or another folder (--teacher-cache)`,
    );
  }

  async #ask(
    teachers: readonly Teacher[],
    view: number,
    {
      loader,
      batch,
      signal,
    }: { readonly loader: Loader; readonly batch: number; readonly signal?: SignalLike },
  ): Promise<void> {
    const { dataset, preprocess, augment, seed } = this.#viewing;
    const stream = loader.batches({
      ...{ split: "train", batch, preprocess, augment: imageAugmentations(augment), seed, view },
      ...{ shuffle: false, dropLast: false, skipBad: true, signal },
    });
    const said = teachers.map(() => new Float32Array(dataset.train.length * this.#classes));
    for await (const { images, count, indices, bad } of stream) {
      if (bad.length) throw new BadPictures(bad);
      const answers = teachers.map((teacher) => teacher.answer(images, preprocess, ["logits"]));
      for (const [t, { logits }] of (await Promise.all(answers)).entries()) {
        const rows = logits.subarray(0, count * this.#classes);
        said[t].set(rows, indices[0] * this.#classes);
      }
      stream.recycle({ images });
    }
    for (const [t, teacher] of teachers.entries()) {
      await writeView(this.#path(teacher, view), said[t]);
    }
  }

  #path(teacher: Teacher, view: number): string {
    return join(this.#folders.get(teacher)!, `view-${view}.f16`);
  }

  get #classes(): number {
    return this.#viewing.dataset.classes.length;
  }
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/** Of what the same teacher said before: what was another then. */
async function otherKey(folder: string, key: object, name: string): Promise<string | undefined> {
  const entries = await readdir(folder).catch(() => [] as string[]);
  if (entries.includes(name)) return undefined;
  for (const entry of entries) {
    const text = await readFile(join(folder, entry, "key.json"), "utf8").catch(() => undefined);
    const old = factsOf(text);
    const now = key as { [fact: string]: unknown };
    if (!old || JSON.stringify(old.teacher) !== JSON.stringify(now.teacher)) continue;
    const facts = Object.keys(now).filter(
      (fact) => JSON.stringify(old[fact]) !== JSON.stringify(now[fact]),
    );
    return `${join(folder, entry)} holds what it said with another ${facts.join(", ")}`;
  }
  return undefined;
}

/** Undefined for a file that is none, or is not whole. */
function factsOf(text: string | undefined): { readonly [fact: string]: unknown } | undefined {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

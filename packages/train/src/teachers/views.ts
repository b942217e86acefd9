import { readdir, readFile, stat, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { OnebitError, type SignalLike, UsageError } from "onebit";
import { makeFolder } from "onebit/node";
import { counted } from "onebit/words";
import { BadPictures, type Dataset, imageAugmentations, type Loader } from "../data/index.js";
import { removeTemporaries, writeWhole } from "../run/files.js";
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

interface MissingView {
  readonly teacher: Teacher;
  readonly view: number;
}

/** Where a teacher's views lie, and the facts that the folder's name stands for. */
interface Kept {
  readonly folder: string;
  readonly key: object;
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
  readonly #kept: ReadonlyMap<Teacher, Kept>;
  readonly #viewing: Viewing;
  readonly notes: readonly string[];
  /** What teachers have not said yet. */
  readonly missing: readonly MissingView[];
  /** The view that each teacher was last asked for. */
  readonly #read = new Map<
    Teacher,
    { readonly view: number; readonly logits: Promise<Uint16Array> }
  >();

  /** Looks what is there, and writes nothing. UsageError where there is no room for what is missing. */
  static async find(wishes: readonly ViewWish[], viewing: Viewing, folder: string): Promise<Views> {
    const kept = new Map<Teacher, Kept>();
    const notes: string[] = [];
    const missing: MissingView[] = [];
    const data = await identityOf(viewing.dataset);
    const { train, classes } = viewing.dataset;
    const bytes = viewBytes(train.length, classes.length);
    for (const { teacher, views } of wishes) {
      const key = viewKey(teacher, viewing, data);
      const own = { key, folder: join(folder, keyName(key)) };
      kept.set(teacher, own);
      const other = await otherKey(folder, key, keyName(key));
      if (other) notes.push(`teacher ${teacher.path}: ${other}: it is asked anew`);
      for (const view of views) {
        if (!(await hasView(pathOf(own, view), bytes))) missing.push({ teacher, view });
      }
    }
    await checkRoom(folder, missing.length, viewing.dataset);
    return new Views(kept, viewing, { notes, missing });
  }

  private constructor(
    kept: ReadonlyMap<Teacher, Kept>,
    viewing: Viewing,
    { notes, missing }: Pick<Views, "notes" | "missing">,
  ) {
    this.#kept = kept;
    this.#viewing = viewing;
    this.notes = notes;
    this.missing = missing;
  }

  /** Asks the teachers what is missing. */
  async complete(how: {
    readonly loader: Loader;
    readonly batch: number;
    readonly signal?: SignalLike;
    readonly onProgress?: (progress: ViewProgress) => void;
  }): Promise<void> {
    const { missing } = this;
    for (const { key, folder } of this.#kept.values()) await begin(folder, key);
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
      await writeView(this.#path(teacher, view), said[t], teacher.path);
    }
  }

  #path(teacher: Teacher, view: number): string {
    return pathOf(this.#kept.get(teacher)!, view);
  }

  get #classes(): number {
    return this.#viewing.dataset.classes.length;
  }
}

const pathOf = ({ folder }: Kept, view: number) => join(folder, `view-${view}.f16`);

/** No file takes so long to be written. */
const HOUR = 3_600_000;

async function begin(folder: string, key: object): Promise<void> {
  await makeFolder(folder).catch((error: Error) => {
    throw new OnebitError(`${folder}: cannot be made: ${error.message}`);
  });
  await removeTemporaries(folder, HOUR);
  await writeWhole(join(folder, "key.json"), `${JSON.stringify(key, null, 2)}\n`);
}

async function checkRoom(
  folder: string,
  views: number,
  { train, classes }: Dataset,
): Promise<void> {
  if (!views) return;
  const needed = views * viewBytes(train.length, classes.length);
  const { bavail, bsize } = await statfs(await nearest(folder));
  if (needed <= bavail * bsize) return;
  throw new UsageError(
    `${folder}: what teachers say of ${counted(views, "view")} of ${counted(train.length, "image")} takes ${sizeText(needed)}, ${sizeText(bavail * bsize)} are free: take fewer views (--teacher-views), or another folder (--teacher-cache)`,
  );
}

/** The folder, or the first above it that is there. */
async function nearest(folder: string): Promise<string> {
  const above = dirname(resolve(folder));
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  return isThere || above === folder ? folder : nearest(above);
}

/** In kB, MB or GB. */
function sizeText(bytes: number): string {
  const [scale, unit] = bytes < 1e6 ? [1e3, "kB"] : bytes < 1e9 ? [1e6, "MB"] : [1e9, "GB"];
  return `${(bytes / Number(scale)).toFixed(1)} ${unit}`;
}

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

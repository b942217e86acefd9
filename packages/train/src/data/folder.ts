import { basename, resolve } from "node:path";
import { OnebitError } from "onebit";
import { type DecodedImage, decodeImage, IMAGE_EXTENSIONS } from "onebit/images";
import { counted, shellWord } from "onebit/words";
import { annotatedClasses, hasAnnotations } from "./annotations.js";
import { type ClassFolder, classFolders, holdsClasses, looseImages } from "./class-folders.js";
import { imagenetNumbers, namedClasses } from "./class-list.js";
import { listNames, matchNames } from "./class-names.js";
import type { Dataset } from "./dataset.js";
import { fileSplit } from "./file-split.js";
import { type Entry, listEntries } from "./image-tree.js";
import { rng } from "./random.js";
import type { DataSource } from "./source.js";
import { type FileSplit, sharedInts } from "./split.js";

/** ImageNet's, the usual choice for photographs: computing them would mean decoding every file. */
const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];
/** The same for grey: mean and deviation of Rec. 601 luminance, roughly. */
const GREY_MEAN = [0.459];
const GREY_STD = [0.226];

/** In lower case, without what `partName` takes off; of several test folders the first that holds classes is used. */
const TRAIN_FOLDERS = ["train", "training"];
const TEST_FOLDERS = ["test", "testing", "val", "valid", "validation"];
/** About so many files are looked at to tell grey from colour, and their size. */
const PROBES = 12;
const MOST_AS_THEY_ARE = 64;
const GREY_NOTE =
  "the pictures that were looked at are grey: so is the data set, and colour among them becomes grey (a network for colour, such as --input 3x64x64, keeps it)";

export const folders: DataSource = { kind: "folder", address: "DIR", open: openFolder };

/**
 * A folder of photographs: `DIR/train/CLASS/*.jpg` (or deeper) with `DIR/test`, `val` or `valid`, or
 * `DIR/CLASS/*.jpg`, or a test folder alone, to evaluate on. Where there is none, some of each
 * class are set aside, chosen by hashes of their names: the same every time. `notes` tells what was decided.
 */
async function openFolder(spec: string, folder: string): Promise<Dataset> {
  const layout = await layoutOf(folder);
  const notes = [...layout.notes];
  const own = layout.train ?? layout.test;
  const isTestOnly = layout.train === undefined;
  const annotated = isTestOnly ? await annotatedClasses(layout.test) : undefined;
  const folders = annotated ?? (await classFolders(own, isTestOnly ? "keep" : "refuse"));
  if (!annotated) await refuseOnlyClass(folders);
  const loose = await looseImages(own);
  if (loose)
    notes.push(`left out: ${counted(loose, "image")} in ${own}, outside the class folders`);
  notes.push(...leftOut(folders), ...mergeNotes(folders));
  const list = await namedClasses(
    folder,
    folders.map((c) => c.name),
    isTestOnly,
  );
  notes.push(...list.notes);
  const all = labelled(
    folders,
    folders.map(({ name }) => list.folders.indexOf(name)),
  );
  const parts = await partsOf(folder, layout, all, list.folders, notes);
  const imagenet = await imagenetNumbers(list.folders);
  const { channels, side, size } = await probe([...parts.train, ...parts.test]);
  if (channels === 1) notes.push(GREY_NOTE);
  return {
    spec,
    name: basename(resolve(folder)),
    classes: list.names,
    ...(list.names !== list.folders && { folders: list.folders }),
    ...(imagenet && { imagenet }),
    ...{ channels, side, ...(size && { size }) },
    train: fileSplit(portable(parts.train)),
    test: fileSplit(portable(parts.test)),
    mean: channels === 3 ? MEAN : GREY_MEAN,
    std: channels === 3 ? STD : GREY_STD,
    normalisedAs: "ImageNet",
    notes,
  };
}

/** Where the classes of each part lie; one of the two is there. */
type Layout = { readonly notes: readonly string[]; readonly hasTrainFolder: boolean } & (
  | { readonly train: string; readonly test?: string }
  | { readonly train?: undefined; readonly test: string }
);

async function layoutOf(folder: string): Promise<Layout> {
  const entries = (await listEntries(folder)).filter((entry) => entry.isFolder);
  const called = (names: readonly string[]): Entry[] =>
    names.flatMap((name) => entries.filter((entry) => partName(entry.name) === name));
  const [train, ...otherTrains] = called(TRAIN_FOLDERS);
  const candidates = called(TEST_FOLDERS);
  const isSplit = train !== undefined || (await holdsOnly(entries, candidates));
  if (!isSplit) {
    await refuseWrapped(entries);
    return { train: folder, notes: [], hasTrainFolder: false };
  }
  const known = train && (await listEntries(train.path)).map(({ name }) => name);
  const labelled: Entry[] = [];
  const notes: string[] = [];
  for (const entry of candidates) {
    if (await hasLabels(entry.path, known)) labelled.push(entry);
    else notes.push(`${entry.name}/ has no class folders, its images are unlabelled: not used`);
  }
  const [test, ...others] = labelled;
  for (const { name } of others) notes.push(`${name}/ is not used, ${test.name}/ is`);
  for (const { name } of otherTrains) notes.push(`${name}/ is not used, ${train.name}/ is`);
  if (train) return { train: train.path, test: test?.path, notes, hasTrainFolder: true };
  if (test) return { test: test.path, notes, hasTrainFolder: false };
  throw new OnebitError(
    `${candidates[0].path}: has no class folders: put the images of each class into a folder of its name`,
  );
}

/** "Training_Set" is training. */
const partName = (name: string) => name.toLowerCase().replace(/[_-]?(set|data|images)$/, "");

async function hasLabels(folder: string, known?: readonly string[]): Promise<boolean> {
  return (await hasAnnotations(folder)) || (await holdsClasses(folder, known));
}

/** Test folders without a train folder are meant as such where nothing else holds images. */
async function holdsOnly(entries: readonly Entry[], tests: readonly Entry[]): Promise<boolean> {
  if (tests.length === 0) return false;
  for (const entry of entries) {
    if (!tests.includes(entry) && (await holdsClasses(entry.path))) return false;
    if (!tests.includes(entry) && (await looseImages(entry.path))) return false;
  }
  return true;
}

/** A data set inside the folder would be read as one class, and parts of it as one each. */
async function refuseWrapped(entries: readonly Entry[]): Promise<void> {
  for (const { path } of entries) {
    const inside = (await listEntries(path)).filter((entry) => entry.isFolder);
    if (!inside.some(({ name }) => TRAIN_FOLDERS.includes(partName(name)))) continue;
    throw new OnebitError(
      `${path}: holds train/ and so is a data set itself, not a class: give ${shellWord(`folder:${path}`)}, or put the classes into train/CLASS/`,
    );
  }
  const like = (words: readonly string[]) => {
    const pattern = new RegExp(`(^|[_-])(${words.join("|")})([_-]|$)`);
    return entries.find(({ name }) => pattern.test(partName(name)));
  };
  const [train, test] = [like(TRAIN_FOLDERS), like(TEST_FOLDERS)];
  if (!train || !test || train === test) return;
  if (!(await holdsClasses(train.path)) || !(await holdsClasses(test.path))) return;
  throw new OnebitError(
    `${train.path}, ${test.path}: hold folders of images and look like parts of a data set, not like classes: call them train and test`,
  );
}

/** Several folders of images in the only class are the classes, one level too deep. */
async function refuseOnlyClass([only, ...others]: readonly ClassFolder[]): Promise<void> {
  if (!only || others.length > 0 || (await looseImages(only.path))) return;
  const inside = (await listEntries(only.path)).filter((entry) => entry.isFolder);
  if (inside.length < 2) return;
  const names = listNames(inside.map(({ name }) => name));
  throw new OnebitError(
    `${only.path}: would be the only class, but holds folders (${names}): if they are the classes, give the folder that they lie in`,
  );
}

async function partsOf(
  folder: string,
  layout: Layout,
  all: readonly Labelled[],
  classes: readonly string[],
  notes: string[],
): Promise<{ train: readonly Labelled[]; test: readonly Labelled[] }> {
  if (layout.train === undefined) {
    notes.push(`no train/ folder: only ${basename(layout.test)}/, to evaluate on`);
    return { train: [], test: all };
  }
  if (layout.test) {
    const tests =
      (await annotatedClasses(layout.test)) ?? (await classFolders(layout.test, "skip"));
    const { numbers, notes: spelled } = matchNames(
      tests.map((c) => c.name),
      classes,
    );
    const unknown = tests.find((_, k) => numbers[k] < 0);
    if (unknown) {
      throw new OnebitError(
        `${unknown.path}: there is no such class in ${layout.train}, which has ${listNames(classes)}: the names must match`,
      );
    }
    const absent = classes.filter((_, k) => !numbers.includes(k));
    notes.push(...leftOut(tests), ...mergeNotes(tests), ...spelled, ...withoutTest(absent));
    return { train: all, test: labelled(tests, numbers) };
  }
  const [train, test] = setAside(all);
  if (test.length === 0) {
    throw new OnebitError(
      `${folder}: no class has two pictures, so none can be set aside for testing: add pictures (50 or more of each class are wanted, 10 the least), or a test/ folder`,
    );
  }
  const tested = new Set(test.map(({ label }) => label));
  notes.push(...withoutTest(classes.filter((_, k) => !tested.has(k))));
  const where = layout.hasTrainFolder ? "no labelled test/ or val/ folder" : "class folders alone";
  notes.push(
    `${where}: ${test.length} of ${all.length} pictures, some of each class, are set aside for testing (by hashes of their names: the same every time); pictures that are all for testing go into test/CLASS/`,
  );
  return { train, test };
}

function withoutTest(classes: readonly string[]): string[] {
  return classes.length ? [`without test images: ${listNames(classes)}`] : [];
}

function leftOut(classes: readonly ClassFolder[]): string[] {
  const others = classes.reduce((sum, c) => sum + c.others, 0);
  if (others === 0) return [];
  const where = classes.find((c) => c.others > 0)?.path;
  return [
    `left out: ${counted(others, "entry")} without the endings ${IMAGE_EXTENSIONS.join(", ")} (in ${where})`,
  ];
}

function mergeNotes(classes: readonly ClassFolder[]): string[] {
  const merged = classes.filter((c) => c.folders > 1);
  return merged.map((c) => `${c.folders} folders are called "${c.name}" in other bytes: one class`);
}

interface Labelled {
  path: string;
  label: number;
  /** CLASS/FILE, which decides on which side of a split the image falls. */
  key: string;
}

function labelled(folders: readonly ClassFolder[], labels: readonly number[]): Labelled[] {
  const items = folders.map(({ name, files }, k) =>
    files.map((file) => ({ path: file.path, label: labels[k], key: `${name}/${file.name}` })),
  );
  return items.sort((a, b) => (a[0]?.label ?? 0) - (b[0]?.label ?? 0)).flat();
}

/**
 * Of n images of a class, how many are set aside for testing: a fifth, but no more than 20, or a tenth
 * where that is more; of two or more at least one on either side.
 */
function testCount(n: number): number {
  const wanted = Math.round(Math.max(Math.min(n / 5, 20), n / 10));
  return n < 2 ? 0 : Math.max(1, wanted);
}

/** Of each class those whose names have the lowest hashes: adding images moves few of the others. */
function setAside(items: readonly Labelled[]): [train: Labelled[], test: Labelled[]] {
  const hashed = items.map((item) => ({ item, hash: rng(0, "set aside", item.key).next() }));
  const chosen = new Set<Labelled>();
  for (const label of new Set(items.map((item) => item.label))) {
    const group = hashed.filter((h) => h.item.label === label).sort((a, b) => a.hash - b.hash);
    for (const { item } of group.slice(0, testCount(group.length))) chosen.add(item);
  }
  return [items.filter((item) => !chosen.has(item)), items.filter((item) => chosen.has(item))];
}

function portable(items: readonly Labelled[]): FileSplit {
  return {
    kind: "files",
    paths: items.map((item) => item.path),
    labels: sharedInts(items.map((item) => item.label)),
  };
}

interface Probed extends Pick<Dataset, "channels" | "side" | "size"> {}

/** Of some files, evenly chosen; one that cannot be read says nothing. */
async function probe(items: readonly Labelled[]): Promise<Probed> {
  const step = Math.max(1, Math.floor(items.length / PROBES));
  const images: Omit<DecodedImage, "data">[] = [];
  for (let i = 0; i < items.length; i += step) {
    const image = await decodeImage(items[i].path).catch(() => undefined);
    if (!image) continue;
    const { width, height, channels } = image;
    images.push({ width, height, channels });
  }
  if (images.length === 0) return { channels: 3 };
  const sides = images.map(({ width, height }) => Math.min(width, height)).sort((a, b) => a - b);
  return {
    channels: images.every((image) => image.channels === 1) ? 1 : 3,
    side: sides[sides.length >> 1],
    size: sharedSize(images),
  };
}

/** Of small pictures that are all alike, as MNIST's are: they are taken as they are. */
function sharedSize(
  images: readonly { readonly width: number; readonly height: number }[],
): [height: number, width: number] | undefined {
  const [{ width, height }] = images;
  const isAlike = images.every((image) => image.width === width && image.height === height);
  const isSmall = Math.max(width, height) <= MOST_AS_THEY_ARE;
  return isAlike && isSmall ? [height, width] : undefined;
}

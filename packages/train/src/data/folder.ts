import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { OnebitError } from "onebit";
import type { Dataset } from "./dataset.js";
import { decodeImageFile, IMAGE_EXTENSIONS, isPicture } from "./decode.js";
import { fileSplit } from "./file-split.js";
import { rng } from "./random.js";
import { type FileSplit, sharedInts } from "./split.js";

/** ImageNet's, the usual choice for photographs: computing them would mean decoding every file. */
const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];
/** The same for grey: mean and deviation of Rec. 601 luminance, roughly. */
const GREY_MEAN = [0.459];
const GREY_STD = [0.226];

const TEST_FOLDERS = ["test", "val", "validation"];
const TEST_SHARE = 0.1;
/** So many files are looked at to tell grey from colour. */
const PROBES = 12;

/** One class folder: the image files in it, sorted. */
interface ClassFolder {
  name: string;
  path: string;
  files: string[];
  /** How many files were left out because they are no images. */
  others: number;
}

/**
 * A folder of photographs: `DIR/train/CLASS/*.jpg` (png, webp, avif, gif, tiff) with `DIR/test` or `DIR/val`, or
 * `DIR/CLASS/*.jpg`. Where there is no test folder, a tenth of each class is set aside by a hash of
 * the file name. `notes` tells what was decided.
 */
export async function openFolder(spec: string, folder: string): Promise<Dataset> {
  const subfolders = await listFolders(folder);
  const testFolders = TEST_FOLDERS.filter((name) => subfolders.includes(name));
  const hasTrain = subfolders.includes("train");
  if (!hasTrain && testFolders.length > 0 && subfolders.length === testFolders.length) {
    throw new OnebitError(
      `${folder}: has ${testFolders[0]}/ but no train/: add train/CLASS/ folders with images`,
    );
  }
  const trainClasses = await listClasses(hasTrain ? join(folder, "train") : folder);
  const classes = trainClasses.map((c) => c.name);
  const notes = leftOut(trainClasses);
  let train = labelled(trainClasses, classes);
  let test: Labelled[];
  if (hasTrain && testFolders.length > 0) {
    const testClasses = await listClasses(join(folder, testFolders[0]));
    notes.push(...leftOut(testClasses), ...testNotes(folder, classes, testClasses, testFolders));
    test = labelled(testClasses, classes);
  } else {
    [train, test] = setAside(train);
    if (test.length === 0) {
      throw new OnebitError(
        `${folder}: no class has two images, so none can be set aside for testing: add images, or a test/ folder`,
      );
    }
    const where = hasTrain ? "no test/ or val/ folder" : "no train/ folder";
    notes.push(
      `${where}: ${test.length} of ${train.length + test.length} images were set aside for testing, chosen by their names`,
    );
  }
  const channels = await probeChannels([...train, ...test]);
  return {
    spec,
    name: basename(resolve(folder)),
    classes,
    channels,
    train: fileSplit(portable(train, channels)),
    test: fileSplit(portable(test, channels)),
    mean: channels === 3 ? MEAN : GREY_MEAN,
    std: channels === 3 ? STD : GREY_STD,
    notes,
  };
}

/** Sorted by code units, not by locale: labels must not depend on the machine. */
function sorted(names: string[]): string[] {
  return names.sort((a, b) => (a < b ? -1 : Number(a > b)));
}

/** Visible entries, links followed. */
async function listEntries(folder: string): Promise<{ name: string; isFolder: boolean }[]> {
  const names = sorted((await readdir(folder)).filter((name) => !name.startsWith(".")));
  return Promise.all(
    names.map(async (name) => {
      const info = await stat(join(folder, name)).catch(() => undefined);
      if (info) return { name, isFolder: info.isDirectory() };
      throw new OnebitError(`${join(folder, name)}: cannot be read (a broken link?): remove it`);
    }),
  );
}

async function listFolders(folder: string): Promise<string[]> {
  return (await listEntries(folder)).filter((e) => e.isFolder).map((e) => e.name);
}

async function listClasses(folder: string): Promise<ClassFolder[]> {
  const names = await listFolders(folder);
  if (names.length === 0) {
    throw new OnebitError(
      `${folder}: has no class folders: put the images of each class into a folder of its name`,
    );
  }
  const classes: ClassFolder[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const entries = await listEntries(path);
    const files = entries.filter((e) => !e.isFolder && isPicture(e.name)).map((e) => e.name);
    if (files.length === 0) {
      throw new OnebitError(
        `${path}: holds no images (${IMAGE_EXTENSIONS.join(", ")}): add some or remove the folder`,
      );
    }
    classes.push({ name, path, files, others: entries.length - files.length });
  }
  return classes;
}

function leftOut(classes: ClassFolder[]): string[] {
  const others = classes.reduce((sum, c) => sum + c.others, 0);
  if (others === 0) return [];
  const where = classes.find((c) => c.others > 0)?.path;
  return [
    `${others} entries are not ${IMAGE_EXTENSIONS.join(", ")} and were left out (in ${where})`,
  ];
}

function testNotes(
  folder: string,
  classes: string[],
  testClasses: ClassFolder[],
  testFolders: string[],
): string[] {
  const unknown = testClasses.find((c) => !classes.includes(c.name));
  if (unknown) {
    throw new OnebitError(
      `${unknown.path}: there is no such class in ${join(folder, "train")}: the names must match`,
    );
  }
  const notes = testFolders.slice(1).map((name) => `${name}/ is not used, ${testFolders[0]}/ is`);
  const absent = classes.filter((name) => !testClasses.some((c) => c.name === name));
  if (absent.length > 0) notes.push(`without test images: ${absent.join(", ")}`);
  return notes;
}

interface Labelled {
  path: string;
  label: number;
  /** CLASS/FILE, which decides on which side of a split the image falls. */
  key: string;
}

function labelled(folders: ClassFolder[], classes: string[]): Labelled[] {
  return folders.flatMap(({ name, path, files }) =>
    files.map((file) => ({
      path: join(path, file),
      label: classes.indexOf(name),
      key: `${name}/${file}`,
    })),
  );
}

/**
 * A tenth for testing, by the hash of the name alone: adding images moves none of the others. A class
 * of two or more images keeps at least one on either side.
 */
function setAside(items: Labelled[]): [train: Labelled[], test: Labelled[]] {
  const hashed = items.map((item) => ({ item, hash: rng(0, "set aside", item.key).next() }));
  const chosen = new Set<Labelled>();
  for (const label of new Set(items.map((item) => item.label))) {
    const group = hashed.filter((h) => h.item.label === label).sort((a, b) => a.hash - b.hash);
    const below = group.filter((h) => h.hash < TEST_SHARE).length;
    const count = group.length < 2 ? 0 : Math.min(group.length - 1, Math.max(1, below));
    for (const { item } of group.slice(0, count)) chosen.add(item);
  }
  return [items.filter((item) => !chosen.has(item)), items.filter((item) => chosen.has(item))];
}

function portable(items: Labelled[], channels: 1 | 3): FileSplit {
  return {
    kind: "files",
    paths: items.map((item) => item.path),
    labels: sharedInts(items.map((item) => item.label)),
    channels,
  };
}

/** Grey only if every probed file is. */
async function probeChannels(items: Labelled[]): Promise<1 | 3> {
  const step = Math.max(1, Math.floor(items.length / PROBES));
  for (let i = 0; i < items.length; i += step) {
    const { channels } = await decodeImageFile(items[i].path);
    if (channels === 3) return 3;
  }
  return 1;
}

import { openDataset } from "@onebit/train/data";
import { modelKind, openSubject, type Subject } from "@onebit/train/subjects";
import { type FloatTensor, type MapType, OnebitError, UsageError } from "onebit";
import { counted } from "onebit/words";
import { againstBackend, backend } from "../flags/backend.js";
import { budgetFlags, budgetOf } from "../flags/budget.js";
import { type CompareFlags, generatorSeed, images as imageCount } from "../flags/compare.js";
import type { Given } from "../flags/given.js";
import { maps } from "../flags/maps.js";
import { onnxFlags, onnxSettings } from "../flags/onnx.js";
import { photographs } from "../photographs.js";
import { checkNpyImages, readNpyImages, sizeOf } from "../subjects/npy-images.js";
import type { Opened } from "./bisect.js";
import { classOrder } from "./class-order.js";
import { datasetPairs, generatedImages, photographPairs, tensorPairs } from "./images.js";
import { insideOf } from "./inside.js";
import type { ImagePair } from "./verify.js";

type Flags = CompareFlags & {
  /** Of the first network. */
  readonly maps?: MapType;
};

export interface Comparison {
  readonly a: Opened;
  readonly b: Opened;
  readonly pairs: AsyncIterable<ImagePair>;
  /** What had to be assumed of either network, or is strange about the images. */
  readonly notes: readonly string[];
  dispose(): Promise<void>;
}

export interface ComparisonOptions {
  readonly flags: Flags;
  readonly given: Given;
  /** How many images are generated, where none are given. */
  readonly generated: number;
}

/** Opens both networks and what they are compared on. */
export async function openComparison(
  paths: readonly [a: string, b: string],
  inputs: readonly string[],
  { flags, given, generated }: ComparisonOptions,
): Promise<Comparison> {
  const sources = [flags.input, flags.data, inputs.length ? inputs : undefined];
  if (sources.filter((source) => source !== undefined).length > 1) {
    throw new UsageError("give photographs, --input x.npy or --data SPEC, only one of them");
  }
  const generator = [generatorSeed, imageCount].find((flag) => inputs.length && given.has(flag));
  if (generator) {
    throw new UsageError(`${generator.name} is about generated images, and photographs are given`);
  }
  await checkScopes(paths, given);
  const images = flags.input === undefined ? undefined : await readNpyImages(flags.input, paths[0]);
  const opened: Opened[] = [];
  const dispose = async () => {
    for (const { subject } of opened) await subject.dispose();
  };
  try {
    for (const [i, path] of paths.entries()) {
      const options = {
        backend: i === 0 ? flags.backend : flags.againstBackend,
        threads: flags.threads,
        maps: i === 0 ? flags.maps : undefined,
        size: images && sizeOf(images),
        budget: budgetOf(flags),
        onnx: await onnxSettings(flags),
      };
      const subject = await openSubject(path, options);
      opened.push({ subject, inside: await insideOf(subject, options) });
    }
    const [a, b] = opened;
    const subjects = [a.subject, b.subject] as const;
    checkComparable(...subjects);
    const strange = images ? checkNpyImages(flags.input!, images, a.subject) : [];
    const pairs = await imagePairs(...subjects, { inputs, images, flags, generated });
    const classNotes = classOrder(...subjects).notes;
    const own = subjects.flatMap(({ path, notes }) => notes.map((note) => `${path}: ${note}`));
    const notes = [...own, ...strange, ...classNotes];
    return { a, b, pairs, notes: [...new Set(notes)], dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Both must take the same images and tell the same classes apart. */
function checkComparable(a: Subject, b: Subject): void {
  const [p, q] = [a.scores?.classes, b.scores?.classes];
  if (p !== undefined && q !== undefined && p !== q) {
    throw new OnebitError(
      `${a.path} has ${counted(p, "class")}, ${b.path} ${q}: they cannot be compared`,
    );
  }
  const [x, y] = [a, b].map(({ input }) => input.shape.join("x"));
  if (x === y) return;
  const remedy =
    a.input.shape[0] === b.input.shape[0]
      ? "give images of one size with --input x.npy"
      : "they cannot be compared";
  throw new OnebitError(`${a.path} takes images of ${x}, ${b.path} of ${y}: ${remedy}`);
}

async function checkScopes(paths: readonly string[], given: Given): Promise<void> {
  const networks = [];
  for (const path of paths) networks.push({ path, kind: await modelKind(path, "network") });
  const [a, b] = networks;
  given.checkScope(a, [backend, maps]);
  given.checkScope(b, [againstBackend]);
  given.checkScope(networks, [...budgetFlags, ...onnxFlags]);
}

interface Sources {
  readonly inputs: readonly string[];
  readonly images?: FloatTensor;
  readonly flags: Flags;
  readonly generated: number;
}

async function imagePairs(
  a: Subject,
  b: Subject,
  { inputs, images, flags, generated }: Sources,
): Promise<AsyncIterable<ImagePair>> {
  if (images) return tensorPairs(images);
  if (inputs.length) return photographPairs(await photographs(inputs), a, b);
  if (flags.data !== undefined) {
    return datasetPairs(await openDataset(flags.data, { testImages: flags.limit }), a, b);
  }
  return tensorPairs(generatedImages(a.input, flags.images ?? generated, flags.seed));
}

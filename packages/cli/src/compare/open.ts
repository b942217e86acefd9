import { openDataset } from "@onebit/train/data";
import { type FloatTensor, type MapType, UsageError } from "onebit";
import { againstBackend, backend } from "../flags/backend.js";
import { budgetFlags, budgetOf } from "../flags/budget.js";
import { type CompareFlags, generatorSeed, images as imageCount } from "../flags/compare.js";
import type { Given } from "../flags/given.js";
import { maps } from "../flags/maps.js";
import { onnxFlags } from "../flags/onnx.js";
import { modelKind } from "../model-kind.js";
import { checkNpyImages, readNpyImages } from "../npy-images.js";
import { photographs } from "../photographs.js";
import { classOrder } from "./class-order.js";
import { datasetPairs, generatedImages, photographPairs, tensorPairs } from "./images.js";
import { type AnySubject, checkComparable, openSubject, type Subject } from "./subject.js";
import type { ImagePair } from "./verify.js";

type Flags = CompareFlags & {
  /** Of the first network. */
  readonly maps?: MapType;
};

export interface Comparison {
  readonly a: AnySubject;
  readonly b: AnySubject;
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
  const subjects: AnySubject[] = [];
  const dispose = async () => {
    for (const subject of subjects) await subject.dispose();
  };
  try {
    for (const [i, path] of paths.entries()) {
      subjects.push(
        await openSubject(path, {
          backend: i === 0 ? flags.backend : flags.againstBackend,
          threads: flags.threads,
          maps: i === 0 ? flags.maps : undefined,
          size: images && [images.shape[2], images.shape[3]],
          budget: budgetOf(flags),
          flags,
        }),
      );
    }
    const [a, b] = subjects;
    checkComparable(a, b);
    const strange = images ? checkNpyImages(flags.input!, images, a) : [];
    const pairs = await imagePairs(a, b, { inputs, images, flags, generated });
    const classNotes = classOrder(a, b).notes;
    const notes = [...new Set([...a.notes, ...b.notes, ...strange, ...classNotes])];
    return { a, b, pairs, notes, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
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

import { openDataset } from "@onebit/train/data";
import type { Command } from "commander";
import { type FloatTensor, UsageError } from "onebit";
import { wholeNumber } from "../architecture.js";
import {
  addBudgetOptions,
  type BudgetFlags,
  backendChoice,
  budgetOf,
  mapsOf,
  threadsOf,
} from "../backends.js";
import { modelKind } from "../model-kind.js";
import { checkNpyImages, readNpyImages } from "../npy-images.js";
import { addOnnxOptions, type OnnxFlags, refuseOnnxFlags } from "../onnx-file.js";
import { photographs } from "../photographs.js";
import { addPreprocessOptions } from "../preprocess-flags.js";
import { classOrder } from "./class-order.js";
import { datasetPairs, generatedImages, photographPairs, tensorPairs } from "./images.js";
import { type AnySubject, checkComparable, openSubject, type Subject } from "./subject.js";
import type { ImagePair } from "./verify.js";

/** What verify and bisect have in common. */
export interface CompareFlags extends OnnxFlags, BudgetFlags {
  readonly backend: string;
  readonly againstBackend: string;
  readonly threads?: string;
  /** verify only. */
  readonly maps?: string;
  readonly input?: string;
  readonly data?: string;
  readonly limit?: string;
  readonly images?: string;
  readonly seed: string;
  readonly tolerance?: string;
  readonly json?: boolean;
}

export function addCompareOptions(command: Command): Command {
  command
    .option("--input <x.npy>", "normalised images [N, C, H, W], instead of generated ones")
    .option("--data <spec>", "test images of a data set: glyphs, idx:DIR, cifar:DIR or folder:DIR")
    .option("--limit <n>", "only so many of them, chosen by seed 0")
    .option("--images <n>", "how many images to generate")
    .option("--seed <n>", "of the generated images", "0")
    .option("--backend <name>", "where the first network runs, if it is packed", "auto")
    .option("--against-backend <name>", "the same for the other", "auto")
    .option("--threads <n>", "threads (default 1)")
    .option("--json", "one JSON document");
  addBudgetOptions(command).optionsGroup("Of an .onnx model, where it does not say so itself:");
  return addOnnxOptions(addPreprocessOptions(command));
}

export interface Comparison {
  readonly a: AnySubject;
  readonly b: AnySubject;
  readonly pairs: AsyncIterable<ImagePair>;
  /** What had to be assumed of either network, or is strange about the images. */
  readonly notes: readonly string[];
  dispose(): Promise<void>;
}

/** Opens both networks and what they are compared on. */
export async function openComparison(
  paths: readonly [a: string, b: string],
  inputs: readonly string[],
  flags: CompareFlags,
  generated: number,
): Promise<Comparison> {
  const sources = [flags.input, flags.data, inputs.length ? inputs : undefined];
  if (sources.filter((source) => source !== undefined).length > 1) {
    throw new UsageError("give photographs, --input x.npy or --data SPEC, only one of them");
  }
  if (flags.limit !== undefined && flags.data === undefined) {
    throw new UsageError("--limit goes with --data; --images says how many to generate");
  }
  const kinds = await Promise.all(paths.map((path) => modelKind(path, "network")));
  if (!kinds.includes("onnx")) refuseOnnxFlags(paths.join(" and "), flags);
  const images = flags.input === undefined ? undefined : await readNpyImages(flags.input, paths[0]);
  const subjects: AnySubject[] = [];
  const dispose = async () => {
    for (const subject of subjects) await subject.dispose();
  };
  try {
    for (const [i, path] of paths.entries()) {
      subjects.push(
        await openSubject(path, {
          backend: backendChoice(i === 0 ? flags.backend : flags.againstBackend),
          threads: threadsOf(flags.threads),
          maps: i === 0 ? mapsOf(flags.maps) : undefined,
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

interface Sources {
  readonly inputs: readonly string[];
  readonly images?: FloatTensor;
  readonly flags: CompareFlags;
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
    const testImages = wholeNumber("--limit", flags.limit);
    return datasetPairs(await openDataset(flags.data, { testImages }), a, b);
  }
  const count = wholeNumber("--images", flags.images) ?? generated;
  return tensorPairs(generatedImages(a.input, count, seedOf(flags.seed)));
}

function seedOf(text: string): number {
  const seed = Number(text);
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw new UsageError(`--seed ${text}: a whole number from 0 is wanted`);
}

/** A number of 0 or more, such as 1e-4. */
export function fraction(flag: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && Number.isFinite(value)) return value;
  throw new UsageError(`${flag} ${text}: a number from 0 is wanted, such as ${otherwise}`);
}

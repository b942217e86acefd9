import { UsageError } from "../errors.js";
import type { Graph } from "../graph/types.js";
import type { Preprocess } from "../image/preprocess.js";
import type { Form, ModelOptions, Switches } from "./options.js";

/** What the authors of a network say of it. */
export interface PublishedFigures {
  readonly dataset: "ImageNet" | "CIFAR-10";
  /** Fraction of validation images, of CIFAR-10's test images. */
  readonly top1: number;
  /** Operations: real MACs + 1-bit MACs / 64. */
  readonly ops?: number;
  /** Operations with an 8-bit stem, 4-bit gates and an 8-bit classifier. */
  readonly quantisedOps?: number;
  /** Size in MiB, binary weights at 1 bit and the rest at 32. */
  readonly mebibytes?: number;
  readonly source: string;
}

/** An architecture that can be built by name. */
export interface ModelEntry {
  /** What its checkpoints have in common: an importer of that name reads them, where there is one. */
  readonly family: string;
  readonly description: string;
  /** What the published network, or the preset, is made for. */
  readonly classes: number;
  readonly input: readonly [number, number, number];
  /** Weight forms that it has; default: all. The first is what it is built in unless told. */
  readonly forms?: readonly Form[];
  /** Switches that this architecture takes. */
  readonly switches: readonly (keyof Switches)[];
  /** What a switch may be here, where others of that name take other values. */
  readonly choices?: { readonly [option in keyof Switches]?: readonly unknown[] };
  readonly defaults: Switches;
  readonly published?: PublishedFigures;
  /** Where the network is described. */
  readonly paper?: string;
  /** Where its authors' weights, or those that others trained, are. */
  readonly checkpoints?: string;
  /** How the published weights want their images. */
  readonly preprocess?: Preprocess;
  readonly build: (name: string, options: ModelOptions) => Graph;
}

/** Architectures by name, those of one family together. */
export type ModelEntries = { readonly [name: string]: ModelEntry };

export const imagenet = { classes: 1000, input: [3, 224, 224] } as const;

export const imagenetPreprocess = (
  resize: number,
  interpolation: "bicubic" | "bilinear",
): Preprocess => ({
  size: [224, 224],
  channels: 3,
  resize,
  crop: "center",
  interpolation,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
});

export const onImagenet = (figures: Omit<PublishedFigures, "dataset">): PublishedFigures => ({
  dataset: "ImageNet",
  ...figures,
});

/** For architectures that are a list of widths. */
export function withWidths<O extends ModelOptions>(name: string, options: O) {
  const { widths } = options;
  if (widths) return { ...options, widths };
  throw new UsageError(`${name}: give its widths, stem first, such as 16,32,64,64`);
}

/** Small presets are for images of 28 to 64 pixels, grey or colour; sides that are multiples of 4. */
export const nano = { classes: 10, input: [1, 28, 28], preprocess: undefined } as const;

/** Stem and second block halve the map; three further blocks see most of a 28 or 32 pixel image. */
export const nanoWidths: readonly number[] = [32, 64, 128, 128, 128];

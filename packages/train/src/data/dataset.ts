import { existsSync } from "node:fs";
import { UsageError } from "onebit";
import type { Interpolation, Preprocess } from "onebit/image";
import { shellWord } from "onebit/words";
import { sample } from "./open-split.js";
import { type DataSource, isFolder } from "./source.js";
import { DATA_SPEC, sources } from "./sources.js";
import type { Split } from "./split.js";

/** Labelled images to train and to test on, with what was found out about them. */
export interface Dataset {
  /** What `openDataset` was given. */
  spec: string;
  name: string;
  classes: readonly string[];
  /** The classes' folders, where a file beside them calls the classes otherwise. */
  folders?: readonly string[];
  /** ImageNet's numbers of the classes (0 to 999), where the folders are its WordNet ids. */
  imagenet?: readonly number[];
  /** Of folders: 1 where the pictures that were looked at are grey. */
  channels: 1 | 3;
  /** Where all images are equally large. */
  size?: [height: number, width: number];
  /** Of folders: the usual shorter side of the pictures. */
  side?: number;
  train: Split;
  /** To evaluate on while training. */
  test: Split;
  /** The test images, where `test` are training images that were held back: see holdOut. */
  finalTest?: Split;
  /** Per channel of the training images, in units of 0..1; for folders ImageNet's. */
  mean: number[];
  std: number[];
  /** Whose mean and std these are, where they are not of these images. */
  normalisedAs?: "ImageNet";
  /** What a user should know about how the data were read. */
  notes: string[];
}

/** How much of a data set is used. */
export interface DatasetOptions {
  /** Of generated images, and of the choice when fewer images than there are were asked for. */
  seed?: number;
  /** `glyphs`: how many to generate. Else: use only so many. */
  trainImages?: number;
  testImages?: number;
}

/** Opens `glyphs`, `idx:DIR`, `cifar:DIR` or `folder:DIR`: the kinds of sources.ts. */
export async function openDataset(spec: string, options: DatasetOptions = {}): Promise<Dataset> {
  const [kind, address] = spec.split(/:(.*)/s);
  const source = sources.find((one) => one.kind === kind);
  if (!source || (address !== undefined && !source.address)) {
    const hint = (await isFolder(spec))
      ? `a folder of pictures is ${shellWord(`folder:${spec}`)}; `
      : "";
    throw new UsageError(`unknown data set "${spec}": ${hint}known are ${DATA_SPEC}`);
  }
  if (source.address) await checkAddress(source, spec, address);
  const dataset = await source.open(spec, address ?? "", options);
  return source.generates ? dataset : limited(dataset, options);
}

async function checkAddress(
  { kind, address: wanted, isThere = isFolder }: DataSource,
  spec: string,
  address: string | undefined,
): Promise<void> {
  if (!address) {
    const what = wanted === "DIR" ? "a folder" : "an address";
    throw new UsageError(`data set "${spec}" needs ${what}: write ${kind}:${wanted}`);
  }
  if (await isThere(address)) return;
  const what = wanted === "DIR" ? `no folder ${address}` : `nothing at ${address}`;
  const why = existsSync(address) ? `${address} is no folder` : `there is ${what}`;
  throw new UsageError(`data set "${spec}": ${why}`);
}

function limited(dataset: Dataset, { seed = 0, trainImages, testImages }: DatasetOptions): Dataset {
  const limit = (part: "train" | "test", count: number | undefined): Split => {
    const split = dataset[part];
    if (count === undefined) return split;
    if (!Number.isInteger(count) || count < 1 || count > split.length) {
      throw new UsageError(
        `${dataset.spec}: cannot use ${count} ${part} images: there are ${split.length}`,
      );
    }
    return sample(split, count, seed, part);
  };
  return { ...dataset, train: limit("train", trainImages), test: limit("test", testImages) };
}

/** What a network takes, where it is not what the data set has. */
export interface PreprocessChoice {
  /** Height and width that the network takes; default: the size of the data set. */
  size?: [height: number, width: number];
  /** Channels that the network takes; default: those of the data set. */
  channels?: 1 | 3;
  /** Of folders: share of the resized picture's shorter side that the centre crop leaves; default: 7/8. */
  crop?: number;
  interpolation?: Interpolation;
}

/**
 * The usual preprocessing for a data set. Images of one size: stretched to the network's size where
 * that differs. Folders: shorter side to 8/7 of the network's longer side, then the centre. Colour
 * becomes grey for a network of 1 channel, grey is repeated for one of 3.
 */
export function preprocessFor(dataset: Dataset, choice: PreprocessChoice = {}): Preprocess {
  const size = choice.size ?? dataset.size;
  const channels = choice.channels ?? dataset.channels;
  if (!size) {
    throw new UsageError(`${dataset.spec}: images differ in size: say what the network takes`);
  }
  const common = {
    size,
    channels,
    interpolation: choice.interpolation ?? "bilinear",
    mean: perChannel(dataset.mean, channels),
    std: perChannel(dataset.std, channels),
  };
  return dataset.size
    ? { ...common, resize: size, crop: "none" }
    : { ...common, resize: shorterSide(Math.max(...size), choice.crop), crop: "center" };
}

/** A crop that is given rounds down, as timm's crop_pct does. */
function shorterSide(longest: number, crop?: number): number {
  return crop === undefined ? Math.round((longest * 8) / 7) : Math.floor(longest / crop);
}

/** Grey's are repeated for colour. Colour becomes grey as ITU-R 601 weighs it: about so for its deviation. */
function perChannel(values: readonly number[], channels: 1 | 3): number[] {
  if (values.length === channels) return [...values];
  if (channels === 3) return [values[0], values[0], values[0]];
  const [r, g, b] = values;
  return [Number((0.299 * r + 0.587 * g + 0.114 * b).toFixed(4))];
}

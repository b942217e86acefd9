import { UsageError } from "../errors.js";
import type { Graph } from "../graph/types.js";
import type { Preprocess } from "../image/preprocess.js";
import { bnext, bnextWidths } from "./bnext.js";
import { bnext18 } from "./bnext18.js";
import { linearModel } from "./linear.js";
import type { ModelOptions, Switches } from "./options.js";
import {
  bnextNanoReduction,
  bnextNanoWidths,
  nanoLatentStd,
  reactnetNanoWidths,
} from "./presets.js";
import { reactnet, reactnetWidths } from "./reactnet.js";
import { reactnetResnet } from "./reactnet-resnet.js";

export interface PublishedFigures {
  readonly dataset: "ImageNet";
  /** Fraction of validation images. */
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
  readonly family: "bnext" | "bnext-18" | "reactnet" | "reactnet-resnet" | "linear";
  readonly description: string;
  /** What the published network, or the preset, is made for. */
  readonly classes: number;
  readonly input: readonly [number, number, number];
  /** Switches that this architecture takes. */
  readonly switches: readonly (keyof Switches)[];
  readonly defaults: Switches;
  readonly published?: PublishedFigures;
  /** How the published weights want their images. */
  readonly preprocess?: Preprocess;
  readonly build: (name: string, options: ModelOptions) => Graph;
}

const imagenet = { classes: 1000, input: [3, 224, 224] } as const;

const imagenetPreprocess = (resize: number, interpolation: "bicubic" | "bilinear"): Preprocess => ({
  size: [224, 224],
  channels: 3,
  resize,
  crop: "center",
  interpolation,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
});

function withWidths<O extends ModelOptions>(name: string, options: O) {
  const { widths } = options;
  if (widths) return { ...options, widths };
  throw new UsageError(`${name}: give its widths, stem first, such as 16,32,64,64`);
}

const bnextFamily = {
  ...imagenet,
  family: "bnext",
  switches: [
    "widths",
    "stemStride",
    "elm",
    "gate",
    "seReduction",
    "latentStd",
    "quantised",
    "storedScale",
  ],
  preprocess: imagenetPreprocess(235, "bicubic"),
  build: (name, options) => bnext(name, withWidths(name, options)),
} satisfies Partial<ModelEntry>;

const reactnetFamily = {
  ...imagenet,
  family: "reactnet",
  switches: ["widths", "stemStride"],
  preprocess: imagenetPreprocess(256, "bilinear"),
  build: (name, options) => reactnet(name, withWidths(name, options)),
} satisfies Partial<ModelEntry>;

const reactnetResnetFamily = {
  ...imagenet,
  family: "reactnet-resnet",
  switches: ["width", "depths", "stem"],
  preprocess: imagenetPreprocess(256, "bilinear"),
  build: reactnetResnet,
} satisfies Partial<ModelEntry>;

const bnextPaper = "BNext, arXiv 2211.12933 and hpi-xnor/BNext README";
const reactnetPaper = "ReActNet, arXiv 2003.03488 and liuzechun/ReActNet README";

const onImagenet = (figures: Omit<PublishedFigures, "dataset">): PublishedFigures => ({
  dataset: "ImageNet",
  ...figures,
});

/** Every architecture by name. */
export const models: { readonly [name: string]: ModelEntry } = {
  "bnext-t": {
    ...bnextFamily,
    description: "BNext tiny: 13 blocks, 31 Info-RCP units",
    defaults: { widths: bnextWidths.t },
    published: onImagenet({
      top1: 0.724,
      ops: 0.89e8,
      quantisedOps: 0.077e9,
      mebibytes: 13.3,
      source: bnextPaper,
    }),
  },
  "bnext-s": {
    ...bnextFamily,
    description: "BNext small: 13 blocks, 31 Info-RCP units",
    defaults: { widths: bnextWidths.s },
    published: onImagenet({
      top1: 0.761,
      ops: 1.9e8,
      quantisedOps: 0.172e9,
      mebibytes: 26.7,
      source: bnextPaper,
    }),
  },
  "bnext-m": {
    ...bnextFamily,
    description: "BNext middle: 21 blocks, 47 Info-RCP units",
    defaults: { widths: bnextWidths.m },
    published: onImagenet({ top1: 0.783, quantisedOps: 0.317e9, source: bnextPaper }),
  },
  "bnext-l": {
    ...bnextFamily,
    description: "BNext large: 29 blocks, 63 Info-RCP units",
    defaults: { widths: bnextWidths.l },
    published: onImagenet({
      top1: 0.8057,
      quantisedOps: 0.819e9,
      mebibytes: 106.1,
      source: bnextPaper,
    }),
  },
  "bnext-18": {
    ...imagenet,
    family: "bnext-18",
    description: "BNext units in a ResNet-18; a small stem for other class counts than 1000",
    switches: [
      "width",
      "depths",
      "stem",
      "gate",
      "seReduction",
      "latentStd",
      "quantised",
      "shortcutBias",
    ],
    defaults: {},
    preprocess: imagenetPreprocess(235, "bicubic"),
    published: onImagenet({ top1: 0.684, ops: 1.64e8, mebibytes: 5.4, source: bnextPaper }),
    build: bnext18,
  },
  "reactnet-a": {
    ...reactnetFamily,
    description: "ReActNet-A: a MobileNetV1 of 13 blocks with 1-bit 3x3 and 1x1 convolutions",
    defaults: { widths: reactnetWidths },
    published: onImagenet({ top1: 0.694, ops: 0.87e8, mebibytes: 7.4, source: reactnetPaper }),
  },
  "reactnet-18": {
    ...reactnetResnetFamily,
    description: "ReActNet on ResNet-18: a shortcut around each of 16 convolutions",
    defaults: { depths: [4, 4, 4, 4] },
    published: onImagenet({ top1: 0.659, ops: 1.63e8, source: reactnetPaper }),
  },
  "reactnet-34": {
    ...reactnetResnetFamily,
    description: "ReActNet on ResNet-34; the authors published no weights for it",
    defaults: { depths: [6, 8, 12, 6] },
  },
  bnext: {
    ...bnextFamily,
    description: "BNext with your own list of widths",
    defaults: {},
  },
  reactnet: {
    ...reactnetFamily,
    description: "ReActNet-A with your own list of widths",
    defaults: {},
  },
  "bnext-nano": {
    ...bnextFamily,
    description:
      "BNext for 28 to 64 pixel images: ELM and Info-RCP on, 111 kB packed with float16 gates",
    classes: 10,
    input: [1, 28, 28],
    defaults: {
      widths: bnextNanoWidths,
      stemStride: 2,
      seReduction: bnextNanoReduction,
      latentStd: nanoLatentStd,
    },
    preprocess: undefined,
  },
  "reactnet-nano": {
    ...reactnetFamily,
    description: "ReActNet for 28 to 64 pixel images, under 120 kB packed",
    classes: 10,
    input: [1, 28, 28],
    defaults: { widths: reactnetNanoWidths, stemStride: 2 },
    preprocess: undefined,
  },
  linear: {
    family: "linear",
    description: "Logistic regression on the pixels, to see how hard a data set is",
    classes: 10,
    input: [1, 28, 28],
    switches: [],
    defaults: {},
    build: linearModel,
  },
};

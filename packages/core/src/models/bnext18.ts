import type { GraphBuilder } from "../graph/builder.js";
import { type LayerBits, network, prelu } from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import type { WeightEstimator } from "../ops/weight-estimators.js";
import { bnextPaper } from "./bnext.js";
import { activated, deadActivation, infoRcpUnit, type UnitSettings } from "./bnext-unit.js";
import { alike, endBits } from "./end-bits.js";
import { imagenet, imagenetPreprocess, type ModelEntries, onImagenet } from "./entry.js";
import { classifierHead } from "./head.js";
import { type BuildOptions, type Gate, inputShape, type Stem } from "./options.js";
import { checkStages, downsample, resnetStages, resnetStem } from "./resnet-like.js";

/** A BNext-18 of any width and depth. */
export interface Bnext18Options extends BuildOptions {
  /** Channels of the first stage: 64. */
  readonly width?: number;
  /** Blocks per stage: 2, 2, 2, 2. */
  readonly depths?: readonly number[];
  /** "imagenet" for 1000 classes, else "small". */
  readonly stem?: Stem;
  readonly gate?: Gate;
  readonly seReduction?: number;
  readonly latentStd?: number;
  readonly estimator?: string;
  readonly weightEstimator?: WeightEstimator;
  readonly quantised?: string;
  readonly shortcutBias?: boolean;
}

/**
 * BNext-18: BNext's units in a ResNet-18. Every block is an ELM unit, whose shortcut also feeds
 * the mix, then a plain 3x3 unit. Weights are signs below temperature 1e-5.
 *
 * Source: BNext (arXiv 2211.12933), hpi-xnor/BNext, birealnet.py.
 */
export function bnext18(name: string, options: Bnext18Options): Graph {
  const { classes, form = "binary", width = 64, depths = [2, 2, 2, 2] } = options;
  checkStages(name, width, depths);
  const bits = endBits(options.quantised);
  const settings: UnitSettings = {
    form,
    gate: options.gate ?? "mix",
    seReduction: options.seReduction ?? 8,
    latentStd: options.latentStd,
    estimator: options.estimator,
    weightEstimator: options.weightEstimator,
    // Published so: what a gate sees has twice the bits of its weights.
    gateBits: bits.gate === undefined ? undefined : { weight: bits.gate, input: 2 * bits.gate },
    threshold: 1e-5,
  };
  const stem = options.stem ?? (classes === 1000 ? "imagenet" : "small");
  return network(name, inputShape(options), (b, x) => {
    const map = resnetStages(
      b,
      resnetStem(b, x, { out: width, stem, bits: alike(bits.stem) }),
      { width, depths, first: 0 },
      (key, u, { out, stride }) => {
        const shortcut = { bits: alike(bits.shortcut), bias: options.shortcutBias };
        const shape = { out, stride, shortcut };
        const v = elmUnit18(b, `${key}.Attention`, u, shape, settings);
        return plainUnit18(b, `${key}.FFN`, v, settings, key);
      },
    );
    return classifierHead(b, prelu(b, "prelu", map), classes, {
      bits: alike(bits.classifier),
    });
  });
}

interface Elm18 {
  readonly out: number;
  readonly stride: number;
  /** Of the real 1x1 convolution of the shortcut. */
  readonly shortcut?: { readonly bits?: LayerBits; readonly bias?: boolean };
}

/** 3x3 with ELM: r = PReLU(u), down-sampled where it does not fit; the mix sees r. */
export function elmUnit18(
  b: GraphBuilder,
  key: string,
  u: string,
  { out, stride, shortcut: real }: Elm18,
  settings: UnitSettings,
): string {
  const shortcut = activated(b, key, u);
  const fits = stride === 1 && b.shape(u)[1] === out;
  const r = fits
    ? shortcut
    : downsample(b, `${key}.downsample`, shortcut, { out, stride, ...real });
  const shape = { out, kernel: 3, stride } as const;
  const unit = { u, r, p: r, ...shape, elm: true, clampScale: "training" } as const;
  return infoRcpUnit(b, key, unit, settings);
}

/** 3x3 without ELM; clamps its mixing scale in evaluation too. */
export function plainUnit18(
  b: GraphBuilder,
  key: string,
  u: string,
  settings: UnitSettings,
  name: string,
): string {
  const out = b.shape(u)[1];
  deadActivation(b, key, out, settings.form);
  const shape = { out, kernel: 3, stride: 1, name } as const;
  const unit = { u, r: u, p: u, ...shape, elm: false, clampScale: "always" } as const;
  return infoRcpUnit(b, key, unit, settings);
}

export const bnext18Models: ModelEntries = {
  "bnext-18": {
    ...imagenet,
    family: "bnext-18",
    paper: "arXiv 2211.12933",
    checkpoints: "https://github.com/hpi-xnor/BNext",
    description: "BNext units in a ResNet-18; a small stem for other class counts than 1000",
    switches: [
      "width",
      "depths",
      "stem",
      "gate",
      "seReduction",
      "latentStd",
      "estimator",
      "weightEstimator",
      "quantised",
      "shortcutBias",
    ],
    defaults: {},
    preprocess: imagenetPreprocess(235, "bicubic"),
    published: onImagenet({ top1: 0.684, ops: 1.64e8, mebibytes: 5.4, source: bnextPaper }),
    build: bnext18,
  },
};

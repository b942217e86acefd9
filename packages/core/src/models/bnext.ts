import { UsageError } from "../errors.js";
import type { GraphBuilder } from "../graph/builder.js";
import {
  batchNorm,
  type ConvOptions,
  conv2d,
  deadPrelu,
  halve,
  network,
  prelu,
} from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import type { WeightEstimator } from "../ops/weight-estimators.js";
import { activated, deadActivation, infoRcpUnit, type UnitSettings } from "./bnext-unit.js";
import { alike, endBits } from "./end-bits.js";
import {
  imagenet,
  imagenetPreprocess,
  type ModelEntries,
  type ModelEntry,
  nano,
  nanoWidths,
  onImagenet,
  withWidths,
} from "./entry.js";
import { classifierHead, stageOutput } from "./head.js";
import { type BuildOptions, type Form, type Gate, inputShape } from "./options.js";

/** A BNext of any widths. */
export interface BnextOptions extends BuildOptions {
  /** Entry 0 is the stem, every later one a block: the same width, or twice the previous. */
  readonly widths: readonly number[];
  readonly stemStride?: 1 | 2;
  /** The input is the map of another network, of widths[0] channels, and the first block may halve it. */
  readonly stemless?: boolean;
  readonly elm?: boolean;
  readonly gate?: Gate;
  readonly seReduction?: number;
  readonly latentStd?: number;
  readonly estimator?: string;
  readonly weightEstimator?: WeightEstimator;
  readonly quantised?: string;
  readonly storedScale?: boolean;
}

const times = (count: number, width: number) => Array<number>(count).fill(width);

/** Channel lists of the published sizes. */
export const bnextWidths = {
  t: [32, 64, ...times(2, 128), ...times(2, 256), ...times(6, 512), ...times(2, 1024)],
  s: [48, 96, ...times(2, 192), ...times(2, 384), ...times(6, 768), ...times(2, 1536)],
  m: [48, 96, ...times(4, 192), ...times(4, 384), ...times(8, 768), ...times(4, 1536)],
  l: [64, 128, ...times(4, 256), ...times(4, 512), ...times(16, 1024), ...times(4, 2048)],
} as const;

/**
 * BNext, the MobileNet-like family, with any list of widths.
 *
 * Block i takes widths[i-1] to widths[i]: a 3x3 unit, then one 1x1 unit, or two whose outputs are
 * concatenated where the width doubles. Widening blocks other than the first halve the map. Even
 * blocks have ELM attention. All keys are those of the official checkpoints. `quantised` puts stem,
 * gates and classifier on grids of 4 or 8 bits, activations before them as well.
 *
 * Source: BNext (arXiv 2211.12933), hpi-xnor/BNext.
 */
export function bnext(name: string, options: BnextOptions): Graph {
  const { widths, classes, form = "binary", elm = true } = options;
  checkWidths(name, widths);
  const bits = endBits(options.quantised);
  const settings: UnitSettings = {
    form,
    gate: options.gate ?? "mix",
    seReduction: options.seReduction ?? 8,
    latentStd: options.latentStd,
    estimator: options.estimator,
    weightEstimator: options.weightEstimator,
    gateBits: alike(bits.gate),
    threshold: 1e-7,
    storedScale: options.storedScale,
  };
  const stemStride = options.stemStride ?? (classes === 1000 ? 2 : 1);
  return network(name, inputShape(options), (b, x) => {
    const stemConv = { stride: stemStride, bits: alike(bits.stem) };
    let map = options.stemless ? x : stem(b, x, { out: widths[0], ...stemConv }, form);
    for (let i = 1; i < widths.length; i++) {
      const widens = widths[i] !== widths[i - 1];
      const stride = widens && (i > 1 || options.stemless) ? 2 : 1;
      const attention = elm && i % 2 === 0;
      const unit3x3 = elm ? "Attention" : "FFN_3x3";
      map = bnextBlock(b, `feature.${i}`, map, { widens, stride, attention, unit3x3 }, settings);
      stageOutput(b, map);
    }
    return classifierHead(b, prelu(b, "prelu", map), classes, {
      bits: alike(bits.classifier),
    });
  });
}

function stem(
  b: GraphBuilder,
  x: string,
  conv: Pick<ConvOptions, "out" | "stride" | "bits">,
  form: Form,
): string {
  const { out } = conv;
  const y = conv2d(b, "feature.0.conv1", x, { ...conv, kernel: 3, role: "stem" });
  const normed = batchNorm(b, "feature.0.bn1", y, "feature.0");
  // The official module passes its width as the slope's start and never runs it.
  if (form !== "real") deadPrelu(b, "feature.0.prelu", out, out);
  return normed;
}

interface Block {
  readonly widens: boolean;
  readonly stride: number;
  readonly attention: boolean;
  /** Official member name of the 3x3 unit: the same for ELM and plain units. */
  readonly unit3x3: string;
}

/** A 3x3 unit, then one 1x1 unit or, widening, two side by side. */
export function bnextBlock(
  b: GraphBuilder,
  key: string,
  u: string,
  { widens, stride, attention, unit3x3 }: Block,
  settings: UnitSettings,
): string {
  const spatial = attention ? elmUnit : plainUnit;
  const v = spatial(b, `${key}.${unit3x3}`, u, stride, settings);
  if (!widens) return pointwiseUnit(b, `${key}.FFN`, v, settings, key);
  const halves = ["FFN_1", "FFN_2"].map((ffn) => pointwiseUnit(b, `${key}.${ffn}`, v, settings));
  return b.op("concat", halves, { axis: 1 }, key);
}

/** 3x3 with ELM: r = PReLU(u), pooled when strided; the mix sees u itself. */
export function elmUnit(
  b: GraphBuilder,
  key: string,
  u: string,
  stride: number,
  settings: UnitSettings,
) {
  const shortcut = activated(b, key, u);
  const r = stride === 2 ? halve(b, `${key}.shortcut`, shortcut) : shortcut;
  const shape = { out: b.shape(u)[1], kernel: 3, stride } as const;
  return infoRcpUnit(b, key, { u, r, p: u, ...shape, elm: true, clampScale: "training" }, settings);
}

/** 3x3 without ELM: shortcut and mix both see u, pooled when strided. */
export function plainUnit(
  b: GraphBuilder,
  key: string,
  u: string,
  stride: number,
  settings: UnitSettings,
) {
  const out = b.shape(u)[1];
  const r = stride === 2 ? halve(b, `${key}.pooling`, u) : u;
  deadActivation(b, key, out, settings.form);
  const shape = { out, kernel: 3, stride } as const;
  const unit = { u, r, p: r, ...shape, elm: false, clampScale: "training" } as const;
  return infoRcpUnit(b, key, unit, settings);
}

/** 1x1; the only unit that clamps its mixing scale in evaluation too, but for `storedScale`. */
export function pointwiseUnit(
  b: GraphBuilder,
  key: string,
  u: string,
  settings: UnitSettings,
  name = key,
): string {
  const out = b.shape(u)[1];
  deadActivation(b, key, out, settings.form);
  const shape = { out, kernel: 1, stride: 1, name } as const;
  const clampScale = settings.storedScale ? "training" : "always";
  const unit = { u, r: u, p: u, ...shape, elm: false, clampScale } as const;
  return infoRcpUnit(b, key, unit, settings);
}

/** The rule of BNext and ReActNet-A: a width is kept or doubled. */
export function checkWidths(name: string, widths: readonly number[]): void {
  if (widths.length < 2) {
    throw new UsageError(`${name}: widths ${JSON.stringify(widths)} need a stem and a block`);
  }
  widths.forEach((width, i) => {
    if (!Number.isSafeInteger(width) || width < 1) {
      throw new UsageError(`${name}: widths[${i}] is ${width}, must be a positive whole number`);
    }
    if (i && width !== widths[i - 1] && width !== 2 * widths[i - 1]) {
      throw new UsageError(
        `${name}: widths[${i}] is ${width} after ${widths[i - 1]}: a block keeps its width or doubles it`,
      );
    }
  });
}

const family = {
  ...imagenet,
  family: "bnext",
  paper: "arXiv 2211.12933",
  checkpoints: "https://github.com/hpi-xnor/BNext",
  switches: [
    "widths",
    "stemStride",
    "elm",
    "gate",
    "seReduction",
    "latentStd",
    "estimator",
    "weightEstimator",
    "quantised",
    "storedScale",
  ],
  preprocess: imagenetPreprocess(235, "bicubic"),
  build: (name, options) => bnext(name, withWidths(name, options)),
} satisfies Partial<ModelEntry>;

const small = { ...family, ...nano } satisfies Partial<ModelEntry>;

const smallDefaults = {
  stemStride: 2,
  // A gate costs 2 C^2 / reduction real weights beside 9 C^2 or C^2 1-bit ones: 8 or 16 would be too many.
  seReduction: 32,
  // For trainings of minutes: see Switches.latentStd.
  latentStd: 0.05,
} as const;

export const bnextPaper = "BNext, arXiv 2211.12933 and hpi-xnor/BNext README";

export const bnextModels: ModelEntries = {
  "bnext-t": {
    ...family,
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
    ...family,
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
    ...family,
    description: "BNext middle: 21 blocks, 47 Info-RCP units",
    defaults: { widths: bnextWidths.m },
    published: onImagenet({ top1: 0.783, quantisedOps: 0.317e9, source: bnextPaper }),
  },
  "bnext-l": {
    ...family,
    description: "BNext large: 29 blocks, 63 Info-RCP units",
    defaults: { widths: bnextWidths.l },
    published: onImagenet({
      top1: 0.8057,
      quantisedOps: 0.819e9,
      mebibytes: 106.1,
      source: bnextPaper,
    }),
  },
  bnext: {
    ...family,
    description: "BNext with your own list of widths",
    defaults: {},
  },
  "bnext-femto": {
    ...small,
    description: "BNext for 64 to 96 pixel images and little memory, 24 kB in whole numbers as C",
    input: [3, 96, 96],
    defaults: { ...smallDefaults, widths: [8, 16, 32, 64, 64] },
  },
  "bnext-pico": {
    ...small,
    description: "BNext for 28 to 48 pixel images, 22 kB in whole numbers as C",
    defaults: { ...smallDefaults, widths: [16, 32, 64, 64] },
  },
  "bnext-micro": {
    ...small,
    description: "BNext for 32 to 96 pixel images, 62 kB in whole numbers as C",
    input: [3, 32, 32],
    defaults: { ...smallDefaults, widths: [16, 32, 64, 128, 128] },
  },
  "bnext-nano": {
    ...small,
    // Only stem, gates and classifier are real.
    description:
      "BNext for 28 to 64 pixel images: ELM and Info-RCP on, 111 kB packed with float16 gates",
    defaults: { ...smallDefaults, widths: nanoWidths },
  },
  "bnext-mini": {
    ...small,
    description: "BNext for 32 to 96 pixel images, 186 kB in whole numbers as C",
    input: [3, 32, 32],
    defaults: { ...smallDefaults, widths: [32, 64, 128, 256, 256] },
  },
};

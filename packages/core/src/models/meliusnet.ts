import { UsageError } from "../errors.js";
import type { GraphBuilder } from "../graph/builder.js";
import { batchNorm, conv2d, network } from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import {
  type DenseStyle,
  denseConv,
  denseEnd,
  denseTransition,
  type Parts,
  reducedTo,
} from "./dense-like.js";
import {
  imagenet,
  imagenetPreprocess,
  type ModelEntries,
  type ModelEntry,
  onImagenet,
} from "./entry.js";
import { classifierHead, stageOutput } from "./head.js";
import { type BuildOptions, inputShape } from "./options.js";
import { checkStages } from "./resnet-like.js";

/** A MeliusNet of any width and depth. */
export interface MeliusnetOptions extends BuildOptions {
  /** Channels of the stem, and what every dense block adds: 64; a multiple of 16. */
  readonly width?: number;
  /** Pairs of a dense and an improvement block, of each of four stages. */
  readonly depths?: readonly number[];
}

interface Shape {
  /** Channels that each transition keeps, of how many: [160, 320]. */
  readonly kept: readonly (readonly number[])[];
  /** Of the transitions' 1x1 convolutions. */
  readonly groups?: number;
}

/** Groups that transitions shuffle in front of grouped convolutions, however many groups these have. */
const SHUFFLED = 16;

/**
 * MeliusNet: dense blocks that add channels and improvement blocks that correct those just added.
 *
 *   f(x) = (BinConv3x3(sign(BN(x))) + K) / 2        padded with -1; K: 9 times the channels of x
 *   dense        out = concat(x, f(x))
 *   improvement  out = x, with f(x) added to its last 64 channels
 *   transition   conv1x1(relu(maxpool2(BN(x)))); in A, B and C grouped, behind a shuffle of 16 groups
 *
 * Stem: 3x3/2 to 32, 3x3 in 4 groups to 32, 3x3 in 8 groups to 64, each with BN and ReLU, then max-pooling.
 * Source: Bethge et al. (arXiv 2001.05936); hpi-xnor/BMXNet-v2-examples at a67e452, binary_models/meliusnet.py,
 * basenet_dense.py and common_layers.py.
 */
function meliusnet({ kept, groups }: Shape) {
  return (name: string, options: MeliusnetOptions): Graph => {
    const { classes, form = "binary", width = 64, depths = [4, 5, 4, 4] } = options;
    const style = { form, growth: width, padValue: -1 } as const;
    checkStages(name, width, depths);
    if (width % 16) {
      throw new UsageError(`${name}: width ${width} must be a multiple of 16: its stem is grouped`);
    }
    return network(name, inputShape(options), (b, x) => {
      let parts: Parts = [stem(b, x, width)];
      let features = width;
      depths.forEach((depth, stage) => {
        for (let i = 0; i < depth; i++, features += width) {
          parts = pair(b, `layer${stage + 1}.${i}`, parts, style);
        }
        if (stage === depths.length - 1) return;
        const [to, of] = kept[stage];
        features = reducedTo(features, of / to);
        const transition = { out: features, groups, shuffled: groups && SHUFFLED };
        const key = `layer${stage + 2}.transition`;
        parts = [stageOutput(b, denseTransition(b, key, parts, transition))];
      });
      return classifierHead(b, stageOutput(b, denseEnd(b, parts)), classes);
    });
  };
}

/** A dense block and the improvement block that follows it. */
function pair(b: GraphBuilder, key: string, parts: Parts, style: DenseStyle): Parts {
  const added = [...parts, counted(b, `${key}.dense`, parts, style)];
  const correction = counted(b, `${key}.improve`, added, style);
  const last = added.at(-1)!;
  return [...parts, b.op("add", [last, correction], {}, key)];
}

/** Of K products of signs, how many are +1. */
function counted(b: GraphBuilder, key: string, parts: Parts, style: DenseStyle): string {
  const y = denseConv(b, key, parts, style);
  const channels = parts.reduce((sum, part) => sum + b.shape(part)[1], 0);
  const half = b.op("mul", [y, b.constant(0.5)], {}, `${key}.half`);
  return b.op("add", [half, b.constant(4.5 * channels)], {}, key);
}

function stem(b: GraphBuilder, x: string, width: number): string {
  const layer = (n: number, u: string, conv: { out: number; stride?: number; groups?: number }) => {
    const y = conv2d(b, `stem.${3 * n}`, u, { ...conv, kernel: 3, role: "stem" });
    return b.op("relu", [batchNorm(b, `stem.${3 * n + 1}`, y)], {}, `stem.${3 * n + 2}`);
  };
  const first = layer(0, x, { out: width / 2, stride: 2 });
  const second = layer(1, first, { out: width / 2, groups: 4 });
  const third = layer(2, second, { out: width, groups: 8 });
  return b.op("max-pool", [third], { kernel: [3, 3], stride: [2, 2], padding: [1, 1] }, "maxpool");
}

const family = {
  ...imagenet,
  family: "meliusnet",
  paper: "arXiv 2001.05936",
  switches: ["width", "depths"],
  preprocess: imagenetPreprocess(256, "bilinear"),
} satisfies Partial<ModelEntry>;

/** "4,5,4,4" blocks, "160/320 224/480 256/480" channels. Operations as printed, without the classifier's. */
function entry(
  size: string,
  depths: string,
  kept: string,
  [percent, ops, mebibytes]: readonly [percent: number, ops: number, mebibytes: number],
  groups?: number,
): ModelEntries {
  const numbers = (list: string, separator: string) => list.split(separator).map(Number);
  const source = "hpi-xnor/BMXNet-v2-wiki, table of hyper-parameters";
  return {
    [`meliusnet-${size}`]: {
      ...family,
      description: `MeliusNet-${size.toUpperCase()}: dense and improvement blocks of 1-bit 3x3 convolutions`,
      defaults: { depths: numbers(depths, ",") },
      published: onImagenet({ top1: percent / 100, ops, mebibytes, source }),
      build: meliusnet({ kept: kept.split(" ").map((ratio) => numbers(ratio, "/")), groups }),
    },
  };
}

export const meliusnetModels: ModelEntries = {
  ...entry("22", "4,5,4,4", "160/320 224/480 256/480", [63.6, 2.08e8, 3.88]),
  ...entry("29", "4,6,8,6", "128/320 192/512 256/704", [65.8, 2.14e8, 5.07]),
  ...entry("42", "5,8,14,10", "160/384 256/672 416/1152", [69.2, 3.25e8, 10.1]),
  ...entry("59", "6,12,24,12", "192/448 320/960 544/1856", [70.7, 5.32e8, 17.39]),
  ...entry("a", "4,5,5,6", "160/320 256/480 288/576", [63.4, 1.63e8, 4.05], 4),
  ...entry("b", "4,6,8,6", "160/320 224/544 320/736", [65.7, 1.96e8, 5.0], 2),
  ...entry("c", "3,5,10,6", "128/256 192/448 288/832", [64.1, 1.5e8, 4.46], 4),
};

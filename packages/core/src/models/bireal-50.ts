import { UsageError } from "../errors.js";
import type { GraphBuilder } from "../graph/builder.js";
import { batchNorm, conv2d, defaultInit, halve, network } from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import { type BirealOptions, birealSettings, birealSign, birealSwitches } from "./bireal.js";
import { imagenet, imagenetPreprocess, type ModelEntries, onImagenet } from "./entry.js";
import { classifierHead, stageOutput } from "./head.js";
import { inputShape } from "./options.js";
import { type ReactSettings, reactConv } from "./reactnet-conv.js";
import { checkStages, downsample, resnetStem } from "./resnet-like.js";

/**
 * Bi-Real Net on ResNet-50: bottlenecks of three 1-bit convolutions, a shortcut around each. Two maps run
 * through the network, the narrow one between the blocks' middles:
 *
 *   a    = BN1(BinConv1x1(sign(wide))) + narrow                     narrow: real 1x1 where the width doubles
 *   b    = BN2(BinConv3x3(sign(a))) + a                             a 2x2-pooled when strided
 *   wide = BN3(BinConv1x1(sign(b))) + wide                          [pool, real 1x1, BN](wide) where it does not fit
 *   narrow = b
 *
 * The very first 1x1 convolution is real, behind a leaky clip (slope 0.1 outside of [-1, 1]) instead of a sign
 * and without shortcut; its block stores a `down_conv1x1.weight` that nothing reads.
 *
 * Source: keys of liuzechun/Bi-Real-net at 27cf653, pytorch_implementation/BiReal_50/birealnet.py.
 */
export function bireal50(name: string, options: BirealOptions): Graph {
  const { classes, width = 64, depths = [3, 4, 6, 3], stem = "imagenet" } = options;
  const settings = birealSettings(options);
  checkStages(name, width, depths);
  if (width < 4) {
    throw new UsageError(
      `${name}: width ${width} must be at least 4: the shortcut that its checkpoints hold unread has a quarter of it`,
    );
  }
  return network(name, inputShape(options), (b, x) => {
    const start = resnetStem(b, x, { out: width, stem });
    let [narrow, wide] = [start, start];
    let block = 0;
    depths.forEach((depth, stage) => {
      for (let i = 0; i < depth; i++, block++) {
        const shape = {
          middle: width * 2 ** stage,
          stride: stage > 0 && i === 0 ? 2 : 1,
          position: block === 0 ? "first" : i === 0 ? "widening" : "inner",
        } as const;
        [narrow, wide] = bottleneck(b, `layers.${block}`, [narrow, wide], shape, settings);
      }
      stageOutput(b, wide);
    });
    return classifierHead(b, wide, classes);
  });
}

interface Bottleneck {
  /** Channels of the 3x3 convolution; the block's output has four times as many. */
  readonly middle: number;
  readonly stride: number;
  readonly position: "first" | "widening" | "inner";
}

function bottleneck(
  b: GraphBuilder,
  key: string,
  [narrow, wide]: readonly [narrow: string, wide: string],
  { middle, stride, position }: Bottleneck,
  settings: ReactSettings,
): [narrow: string, wide: string] {
  const k = (name: string) => `${key}.${name}`;
  const out = 4 * middle;
  const layer = (n: 1 | 2 | 3, x: string, conv: Parameters<typeof reactConv>[3]) => {
    const signs = birealSign(b, k(`sign${n}`), x, settings);
    return batchNorm(b, k(`bn${n}`), reactConv(b, k(`conv${n}`), signs, conv, settings));
  };
  const add = (x: string, y: string, name: string) => b.op("add", [x, y], {}, name);
  const firstSum = () => {
    if (position === "first") {
      if (settings.form !== "real") deadShortcut(b, k("down_conv1x1"), middle);
      const clipped = leakyClip(b, k("leaky_clip"), wide);
      return batchNorm(b, k("bn1"), conv2d(b, k("conv1"), clipped, { out: middle, kernel: 1 }));
    }
    const y = layer(1, wide, { out: middle, kernel: 1 });
    const real = { out: middle, kernel: 1, role: "shortcut" } as const;
    const r = position === "inner" ? narrow : conv2d(b, k("down_conv1x1"), narrow, real);
    return add(y, r, k("add1"));
  };
  const first = firstSum();
  const pooled = stride === 2 ? halve(b, k("pooling"), first) : first;
  const second = add(layer(2, first, { out: middle, kernel: 3, stride }), pooled, k("add2"));
  const third = layer(3, second, { out, kernel: 1 });
  const r = position === "inner" ? wide : downsample(b, k("downsample"), wide, { out, stride });
  return [second, add(third, r, key)];
}

/** x within [-1, 1], outside of it 0.1 x -+ 0.9. */
function leakyClip(b: GraphBuilder, name: string, x: string): string {
  const clipped = b.op("clamp", [x], { low: -1, high: 1, when: "always" }, `${name}.clip`);
  const inside = b.op("mul", [clipped, b.constant(0.9)], {}, `${name}.inside`);
  const leak = b.op("mul", [x, b.constant(0.1)], {}, `${name}.leak`);
  return b.op("add", [leak, inside], {}, name);
}

/** Made for a narrow map of a quarter of the stem's channels, which the first block does not have. */
function deadShortcut(b: GraphBuilder, key: string, out: number): void {
  const shape = [out, Math.floor(out / 4), 1, 1];
  b.tensor(`${key}.weight`, { shape, kind: "dead", role: "shortcut", init: defaultInit(shape) });
}

export const bireal50Models: ModelEntries = {
  "bireal-50": {
    ...imagenet,
    family: "bireal-50",
    paper: "arXiv 1811.01335",
    checkpoints: "https://github.com/liuzechun/Bi-Real-net",
    description:
      "Bi-Real Net on ResNet-50: a shortcut around each 1-bit convolution of 16 bottlenecks",
    switches: birealSwitches,
    defaults: { depths: [3, 4, 6, 3] },
    preprocess: imagenetPreprocess(256, "bilinear"),
    published: onImagenet({ top1: 0.626, source: "liuzechun/Bi-Real-net README" }),
    build: bireal50,
  },
};

import type { GraphBuilder } from "../graph/builder.js";
import { batchNorm, type ConvOptions, conv2d, network } from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import { imagenet, imagenetPreprocess, type ModelEntries, onImagenet } from "./entry.js";
import { classifierHead, stageOutput } from "./head.js";
import { type BuildOptions, inputShape } from "./options.js";
import { heInit } from "./resnet.js";
import { exciteMap } from "./squeeze-excite.js";

/** RegNetY-4.0GF: channels and blocks of each stage, 64 channels in a group. Table 8 of the article's appendix. */
const stages = [
  [128, 2],
  [192, 6],
  [512, 12],
  [1088, 2],
] as const;
const GROUP = 64;

/**
 * RegNetY-4.0GF with real weights: bottlenecks as wide inside as outside, grouped 3x3 convolutions, a squeeze and
 * excite of a quarter of the block's input.
 *
 * Source: Radosavovic et al. (arXiv 2003.13678); keys of torchvision.models.regnet.
 */
export function regnetY(name: string, options: BuildOptions): Graph {
  return network(name, inputShape(options), (b, x) => {
    const stem = { out: 32, kernel: 3, stride: 2, role: "stem" } as const;
    let map = b.op("relu", [convNorm(b, "stem", x, stem)], {}, "stem.2");
    for (const [s, [out, blocks]] of stages.entries())
      for (let i = 0; i < blocks; i++) {
        const key = `trunk_output.block${s + 1}.block${s + 1}-${i}`;
        map = stageOutput(b, block(b, key, map, out, i ? 1 : 2));
      }
    return classifierHead(b, map, options.classes);
  });
}

function block(b: GraphBuilder, key: string, x: string, out: number, stride: number): string {
  const width = b.shape(x)[1];
  const relu = (y: string, name: string) => b.op("relu", [y], {}, name);
  const a = relu(convNorm(b, `${key}.f.a`, x, { out, kernel: 1 }), `${key}.f.a.2`);
  const grouped = { out, kernel: 3, stride, groups: out / GROUP } as const;
  const c = relu(convNorm(b, `${key}.f.b`, a, grouped), `${key}.f.b.2`);
  const hidden = Math.round(width / 4);
  const gated = exciteMap(b, `${key}.f.se`, c, { hidden, activation: "relu" });
  const y = convNorm(b, `${key}.f.c`, gated, { out, kernel: 1 });
  const fits = stride === 1 && width === out;
  const shortcut = { out, kernel: 1, stride, role: "shortcut" } as const;
  const r = fits ? x : convNorm(b, `${key}.proj`, x, shortcut);
  return relu(b.op("add", [y, r], {}, `${key}.add`), key);
}

/** Convolution `${key}.0` and batch-norm `${key}.1`. */
function convNorm(b: GraphBuilder, key: string, x: string, conv: ConvOptions): string {
  const init = heInit(conv.kernel, conv.out / (conv.groups ?? 1));
  return batchNorm(b, `${key}.1`, conv2d(b, `${key}.0`, x, { ...conv, init }));
}

export const regnetModels: ModelEntries = {
  "regnet-y-4g": {
    ...imagenet,
    family: "regnet",
    paper: "arXiv 2003.13678",
    description: "float RegNetY-4.0GF: what BNext-L is held against",
    forms: ["real"],
    switches: [],
    defaults: {},
    preprocess: imagenetPreprocess(256, "bicubic"),
    published: onImagenet({
      ...{ top1: 0.8, ops: 4e9, mebibytes: 78.8 },
      source: "comparison in BNext (arXiv 2211.12933); operations: timm, card of regnety_040",
    }),
    build: regnetY,
  },
};

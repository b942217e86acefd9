import { UsageError } from "../errors.js";
import type { GraphBuilder } from "../graph/builder.js";
import { batchNorm, conv2d, halve, network } from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import { bnextWidths, checkWidths } from "./bnext.js";
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
import { type BuildOptions, inputShape, type Switches } from "./options.js";
import {
  type ReactSettings,
  type ReactSwitch,
  reactActivation,
  reactChoices,
  reactConv,
  reactSign,
  reactSwitches,
} from "./reactnet-conv.js";

/** A ReActNet-A of any widths. */
export interface ReactnetOptions extends BuildOptions, Pick<Switches, ReactSwitch | "widening"> {
  readonly widths: readonly number[];
  readonly stemStride?: 1 | 2;
}

/** ReActNet-A has the widths of MobileNetV1, as BNext-T. */
export const reactnetWidths: readonly number[] = bnextWidths.t;

/**
 * ReActNet on a MobileNet skeleton (ReActNet-A), with any list of widths.
 *
 * Binary weights are stored flat (`binary_3x3.weights`, [O * I * K * K, 1]) as the official second
 * step has them; the other forms have 4-D `weight`s, as the official first step.
 *
 * Source: ReActNet (arXiv 2003.03488), liuzechun/ReActNet, mobilenet.
 */
export function reactnet(name: string, options: ReactnetOptions): Graph {
  const { widths, classes, form = "binary", stemStride = 2 } = options;
  const { activation, rsign, estimator, weightEstimator, widening } = options;
  const settings = { form, activation, rsign, estimator, weightEstimator, widening };
  checkWidths(name, widths);
  if (widening === "grouped") checkGroups(name, widths);
  return network(name, inputShape(options), (b, x) => {
    const stem = { out: widths[0], kernel: 3, stride: stemStride, role: "stem" } as const;
    let map = batchNorm(b, "feature.0.bn1", conv2d(b, "feature.0.conv1", x, stem), "feature.0");
    for (let i = 1; i < widths.length; i++) {
      const stride = widths[i] !== widths[i - 1] && i > 1 ? 2 : 1;
      map = stageOutput(b, reactnetBlock(b, `feature.${i}`, map, widths[i], stride, settings));
    }
    return classifierHead(b, map, classes);
  });
}

/**
 *   o = RPReLU(BN(BinConv3x3(RSign(x))) + shortcut)      shortcut: x, 2x2-pooled when strided
 *   out = RPReLU(BN(BinConv1x1(RSign(o))) + o)           widening: two of them, concatenated
 *
 * In ReActNet-B and -C all widening blocks, the first too, have real 1x1 convolutions, in 4 groups or in one: the
 * operations printed of them say so (0.44e8 and 1.40e8 real, 4.69e9 1-bit). There is no code of them; unsure is
 * whether a sign stands before these convolutions. Here none does, and the threshold's bias stays.
 */
export function reactnetBlock(
  b: GraphBuilder,
  key: string,
  x: string,
  out: number,
  stride: number,
  settings: ReactSettings,
): string {
  const width = b.shape(x)[1];
  const k = (name: string) => `${key}.${name}`;
  const signs = reactSign(b, k("move11"), k("sign1"), x, settings);
  const conv3x3 = { out: width, kernel: 3, stride, flat: true } as const;
  const y = batchNorm(b, k("bn1"), reactConv(b, k("binary_3x3"), signs, conv3x3, settings));
  const shortcut = stride === 2 ? halve(b, k("pooling"), x) : x;
  const sum = (name = k("add1")) => b.op("add", [y, shortcut], {}, name);
  const inner = { before: k("move12"), slope: k("prelu1"), after: k("move13") };
  const o = reactActivation(b, inner, sum, settings);
  const isReal = out !== width && (settings.widening ?? "binary") !== "binary";
  const pointwise: ReactSettings = isReal ? { ...settings, form: "real" } : settings;
  const z = reactSign(b, k("move21"), k("sign2"), o, pointwise);
  const branch = (conv: string, bn: string, add: string) => {
    const groups = isReal && settings.widening === "grouped" ? GROUPS : 1;
    const conv1x1 = { out: width, kernel: 1, flat: true, groups } as const;
    const w = batchNorm(b, k(bn), reactConv(b, k(conv), z, conv1x1, pointwise));
    return b.op("add", [w, o], {}, add);
  };
  const widened = (name: string) => {
    const first = branch("binary_pw_down1", "bn2_1", k("add2_1"));
    const second = branch("binary_pw_down2", "bn2_2", k("add2_2"));
    return b.op("concat", [first, second], { axis: 1 }, name);
  };
  const w = (name?: string) =>
    out === width ? branch("binary_pw", "bn2", name ?? k("add2")) : widened(name ?? k("concat"));
  const outer = { before: k("move22"), slope: k("prelu2"), after: k("move23") };
  return reactActivation(b, outer, w, settings, key);
}

/** Of ReActNet-B's real 1x1 convolutions. */
const GROUPS = 4;

function checkGroups(name: string, widths: readonly number[]): void {
  const wrong = widths.find((width, i) => widths[i + 1] > width && width % GROUPS !== 0);
  if (wrong === undefined) return;
  throw new UsageError(
    `${name}: a block widens ${wrong} channels, which ${GROUPS} groups do not divide: choose multiples of ${GROUPS}, or widening real`,
  );
}

const family = {
  ...imagenet,
  family: "reactnet",
  paper: "arXiv 2003.03488",
  checkpoints: "https://github.com/liuzechun/ReActNet, https://github.com/liuzechun/AdamBNN",
  switches: ["widths", "stemStride", "widening", ...reactSwitches],
  choices: reactChoices,
  preprocess: imagenetPreprocess(256, "bilinear"),
  build: (name, options) => reactnet(name, withWidths(name, options)),
} satisfies Partial<ModelEntry>;

export const reactnetPaper = "ReActNet, arXiv 2003.03488 and liuzechun/ReActNet README";

export const reactnetModels: ModelEntries = {
  "reactnet-a": {
    ...family,
    description: "ReActNet-A: a MobileNetV1 of 13 blocks with 1-bit 3x3 and 1x1 convolutions",
    defaults: { widths: reactnetWidths },
    published: onImagenet({ top1: 0.694, ops: 0.87e8, mebibytes: 7.4, source: reactnetPaper }),
  },
  "reactnet-b": {
    ...family,
    description: "ReActNet-B: ReActNet-A whose widening 1x1 convolutions are real, in 4 groups",
    defaults: { widths: reactnetWidths, widening: "grouped" },
    published: onImagenet({ top1: 0.701, source: reactnetPaper }),
  },
  "reactnet-c": {
    ...family,
    description: "ReActNet-C: ReActNet-A whose widening 1x1 convolutions are real",
    defaults: { widths: reactnetWidths, widening: "real" },
    published: onImagenet({ top1: 0.714, ops: 2.14e8, source: reactnetPaper }),
  },
  reactnet: {
    ...family,
    description: "ReActNet-A with your own list of widths",
    defaults: {},
  },
  "reactnet-nano": {
    ...family,
    ...nano,
    description: "ReActNet for 28 to 64 pixel images, under 120 kB packed",
    defaults: { widths: nanoWidths, stemStride: 2 },
  },
};

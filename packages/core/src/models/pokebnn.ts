import { UsageError } from "../errors.js";
import type { GraphBuilder } from "../graph/builder.js";
import { batchNorm, binaryConv2d, conv2d, network, sign } from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import {
  imagenet,
  imagenetPreprocess,
  type ModelEntries,
  type ModelEntry,
  onImagenet,
} from "./entry.js";
import { stageOutput } from "./head.js";
import { type BuildOptions, type Form, inputShape } from "./options.js";
import {
  channelMeans,
  dprelu,
  type Grid,
  type GridConv,
  gridConv,
  gridLinear,
} from "./poke-layers.js";
import { checkStages } from "./resnet-like.js";

/** A PokeBNN of any width and depth. */
export interface PokebnnOptions extends BuildOptions {
  /** Channels of all but the stem are so many times those of ResNet-50: 1; a multiple of 0.25. */
  readonly widthMultiplier?: number;
  /** Blocks of each of four stages: 3, 4, 6, 3. */
  readonly depths?: readonly number[];
}

/** Channels of the stem's two convolutions, and of the first stage's 3x3 convolutions. */
const [NARROW, WIDE] = [32, 64];
/** Gradient window of signs. */
const window = 3;

/**
 * PokeBNN: a ResNet-50 of PokeConvs, each with a shortcut around its 1-bit convolution and a gate that looks at its
 * input; the third of a block has a second shortcut, from the block's input u:
 *
 *   y = BN1(BinConv(sign(x))) + fit(x) [+ fit(u)]
 *   out = BN2(DPReLU(y) g(x))        g(x) = hardSigmoid(W2 relu(W1 mean(x) + b1) + b2), W1: to 1/8 of x's channels
 *   fit     fewer channels: means of neighbours; more: zeros behind them, of u copies; a 3x3/2 mean where strided
 *
 * Stem: 4x4/4 to 32, 3x3 in 32 groups to 64, each with BN and DPReLU. The third BN1 of a block starts at 0. 1-bit weights
 * have no scale; AQT's, half of max|w|, vanishes in BN1. Stem and classifier have 8 bits, gates 4: weights to the largest
 * of their output channel, inputs clipped at 3 (poke-layers.ts says why) but the image, whose 8 bits are as many; of the
 * form "real", none.
 * What is strided is padded at its far side alone, as in Keras. Blocks' copies and means want multiples of 0.25.
 *
 * Source: Zhang et al. (arXiv 2112.00133); google/aqt at 4899e8a, aqt/jax_legacy/jax/imagenet/pokebnn.py.
 */
export function pokebnn(name: string, options: PokebnnOptions): Graph {
  const { classes, form = "binary", widthMultiplier = 1, depths = [3, 4, 6, 3] } = options;
  checkStages(name, WIDE, depths);
  if (!(widthMultiplier > 0) || !Number.isSafeInteger(widthMultiplier * 4)) {
    throw new UsageError(
      `${name}: widthMultiplier ${widthMultiplier} must be a multiple of 0.25, so that a block can be given copies of the ${WIDE} channels of the stem`,
    );
  }
  const grids = form !== "real";
  return network(name, inputShape(options), (b, x) => {
    checkSides(name, b.shape(x));
    let map = stem(b, x, grids);
    depths.forEach((depth, stage) => {
      const middle = WIDE * 2 ** stage * widthMultiplier;
      for (let i = 0; i < depth; i++) {
        const stride = stage > 0 && i === 0 ? 2 : 1;
        map = bottleneck(b, `layer${stage + 1}.${i}`, map, { middle, stride }, form);
      }
      stageOutput(b, map);
    });
    const pooled = b.op("global-average-pool", [map], {}, "avgpool");
    const features = b.op("reshape", [pooled], { shape: [0, -1] }, "avgpool.flatten");
    b.output("features", features);
    return gridLinear(b, "fc", features, classes, grids ? eight : undefined);
  });
}

const image: Grid = { bits: 8, input: "image" };
const eight: Grid = { bits: 8, input: "signed" };
const four: Grid = { bits: 4, input: "signed" };

/** The stem's first convolution sees 4x4 pixels. */
function checkSides(name: string, [, , height, width]: readonly number[]): void {
  if (height >= 4 && width >= 4) return;
  throw new UsageError(`${name}: images of ${height}x${width} are too small: 4x4 at least`);
}

function stem(b: GraphBuilder, x: string, grids: boolean): string {
  const layer = (n: number, u: string, conv: Omit<GridConv, "role">) => {
    const y = gridConv(b, `stem.${3 * n}`, u, { ...conv, role: "stem" });
    return dprelu(b, `stem.${3 * n + 2}`, batchNorm(b, `stem.${3 * n + 1}`, y));
  };
  const first = { out: NARROW, kernel: 4, stride: 4, grid: grids ? image : undefined };
  const second = {
    out: WIDE,
    kernel: 3,
    groups: NARROW,
    padding: 1,
    grid: grids ? eight : undefined,
  };
  return layer(1, layer(0, x, first), second);
}

interface Block {
  /** Channels of the first two convolutions; the third has four times as many. */
  readonly middle: number;
  readonly stride: number;
}

function bottleneck(
  b: GraphBuilder,
  key: string,
  u: string,
  { middle, stride }: Block,
  form: Form,
): string {
  const narrow = pokeConv(b, `${key}.0`, u, { out: middle, kernel: 1, stride: 1 }, form);
  const inner = pokeConv(b, `${key}.1`, narrow, { out: middle, kernel: 3, stride }, form);
  const outer = { out: 4 * middle, kernel: 1, stride: 1, around: u } as const;
  return pokeConv(b, `${key}.2`, inner, outer, form);
}

interface PokeConv {
  readonly out: number;
  readonly kernel: 1 | 3;
  readonly stride: number;
  /** The block's input, of the third convolution. */
  readonly around?: string;
}

function pokeConv(b: GraphBuilder, key: string, x: string, conv: PokeConv, form: Form): string {
  const k = (entry: string) => `${key}.${entry}`;
  const { out, around } = conv;
  const gamma = around === undefined ? 1 : 0;
  const normed = batchNorm(b, k("bn1"), products(b, key, x, conv, form), k("bn1"), { gamma });
  const [, , height, width] = b.shape(normed);
  const size = [height, width] as const;
  const local = fitted(b, k("local"), x, { out, size, widen: zeros });
  let y = b.op("add", [normed, local], {}, k("local.add"));
  if (around !== undefined) {
    const long = fitted(b, k("long"), around, { out, size, widen: copies });
    y = b.op("add", [y, long], {}, k("long.add"));
  }
  const activated = dprelu(b, k("dprelu"), y);
  const gated = b.op("mul", [activated, gate(b, k("se"), x, out, form)], {}, k("gated"));
  return batchNorm(b, k("bn2"), gated, key);
}

function products(
  b: GraphBuilder,
  key: string,
  x: string,
  { out, kernel, stride }: PokeConv,
  form: Form,
): string {
  const estimator = { estimator: "clip", range: window, zero: 1 } as const;
  const signs = form === "real" ? x : sign(b, `${key}.sign`, x, estimator);
  const padded = stride === 2 ? paddedBehind(b, `${key}.pad`, signs) : signs;
  const padding = kernel === 3 && stride === 1 ? 1 : 0;
  const shape = { out, kernel, stride, padding };
  if (form !== "binary") return conv2d(b, `${key}.conv`, padded, shape);
  const binarizer = { scale: "none", estimator: "identity" } as const;
  return binaryConv2d(b, `${key}.conv`, padded, { ...shape, binarizer });
}

/** For windows of 3x3 at every second pixel: what leaves half of the map, rounded up. */
function paddedBehind(b: GraphBuilder, name: string, x: string): string {
  const [, , height, width] = b.shape(x);
  const before = [0, 0, height % 2, width % 2];
  return b.op("pad", [x], { before, after: [0, 0, 1, 1], value: 0 }, name);
}

interface Fit {
  readonly out: number;
  readonly size: readonly [height: number, width: number];
  readonly widen: (b: GraphBuilder, name: string, x: string, out: number) => string;
}

/** A shortcut as a map of other channels and size. */
function fitted(b: GraphBuilder, name: string, x: string, { out, size, widen }: Fit): string {
  const [, channels, height, width] = b.shape(x);
  const same = height === size[0] && width === size[1];
  const halving = { kernel: [3, 3], stride: [2, 2], padding: [0, 0] };
  const map = same
    ? x
    : b.op("average-pool", [paddedBehind(b, `${name}.pad`, x)], halving, `${name}.pool`);
  if (channels > out) return channelMeans(b, `${name}.means`, map, out);
  return channels < out ? widen(b, `${name}.widened`, map, out) : map;
}

function zeros(b: GraphBuilder, name: string, x: string, out: number): string {
  const after = [0, out - b.shape(x)[1], 0, 0];
  return b.op("pad", [x], { before: [0, 0, 0, 0], after, value: 0 }, name);
}

function copies(b: GraphBuilder, name: string, x: string, out: number): string {
  const times = out / b.shape(x)[1];
  return b.op("concat", new Array<string>(times).fill(x), { axis: 1 }, name);
}

function gate(b: GraphBuilder, key: string, x: string, out: number, form: Form): string {
  const [, channels] = b.shape(x);
  const grids = form !== "real";
  const dense = { kernel: 1, bias: true, role: "gate" } as const;
  const pooled = b.op("global-average-pool", [x], {}, `${key}.0`);
  const hidden = Math.floor(channels / 8);
  const first = { ...dense, out: hidden, grid: grids ? four : undefined };
  const squeezed = b.op("relu", [gridConv(b, `${key}.1`, pooled, first)], {}, `${key}.2`);
  const positive: Grid = { bits: 4, input: "positive" };
  const second = { ...dense, out, grid: grids ? positive : undefined };
  return b.op("hard-sigmoid", [gridConv(b, `${key}.3`, squeezed, second)], {}, `${key}.4`);
}

const family = {
  ...imagenet,
  family: "pokebnn",
  paper: "arXiv 2112.00133",
  switches: ["widthMultiplier", "depths"],
  preprocess: imagenetPreprocess(256, "bicubic"),
  build: pokebnn,
} satisfies Partial<ModelEntry>;

function entry(widthMultiplier: number, top1: number, source: string): ModelEntries {
  const size = `${widthMultiplier.toFixed(2).replace(/0$/, "")}x`;
  return {
    [`pokebnn-${size}`]: {
      ...family,
      description: `PokeBNN-${size}: a ResNet-50 with two shortcuts around 1-bit convolutions, and 4-bit gates`,
      defaults: { widthMultiplier, depths: [3, 4, 6, 3] },
      published: onImagenet({ top1, source }),
    },
  };
}

const leaderboard = "Papers with Code, of arXiv 2112.00133";

export const pokebnnModels: ModelEntries = {
  ...entry(0.5, 0.652, leaderboard),
  ...entry(0.75, 0.705, "arXiv 2112.00133: 70.5 % at 2.6 ACE, which this width comes to"),
  ...entry(1, 0.734, leaderboard),
};

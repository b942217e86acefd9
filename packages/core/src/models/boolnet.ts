import { UsageError } from "../errors.js";
import type { GraphBuilder } from "../graph/builder.js";
import {
  batchNorm,
  binaryConv2d,
  conv2d,
  deadBatchNorm,
  network,
  prelu,
  sign,
  temperatureMirror,
} from "../graph/layers.js";
import type { Graph, Init } from "../graph/types.js";
import { imagenet, imagenetPreprocess, type ModelEntries, onImagenet } from "./entry.js";
import { classifierHead, stageOutput } from "./head.js";
import { type BuildOptions, inputShape, type Stem } from "./options.js";
import { checkStages } from "./resnet-like.js";

/** A BoolNet or BaseNet of any width and depth. */
export interface BoolnetOptions extends BuildOptions {
  /** Channels of the first stage: 64. */
  readonly width?: number;
  /** Blocks of each of four stages: 2, 2, 2, 2. */
  readonly depths?: readonly number[];
  readonly stem?: Stem;
  readonly slices?: number;
  readonly dilated?: readonly boolean[];
  readonly realShortcut?: boolean;
}

/** Maps of signs, one for each threshold; together they are one map of as many channels. */
type Slices = readonly string[];

interface Settings {
  readonly slices: number;
  readonly realShortcut: boolean;
}

interface Block {
  /** Channels of the stage before, and of this one: of each slice. */
  readonly from: number;
  readonly out: number;
  readonly stride: number;
  readonly dilation: number;
  /** The last of the network, which gives a real map. */
  readonly last: boolean;
  /** The first of its stage. */
  readonly widens: boolean;
}

/**
 * BaseNet: a ResNet whose maps stay signs, k of each: a map is compared with k thresholds.
 *
 *   slices(u)   sign(u + i / (k/2 + 1)), i = -k/2 .. -1, 1 .. k/2; sign(u) where k = 1
 *   y = XNOR(slices(BN1(conv1(x))), s)       s = x, or slices(BN(pool2(conv1x1(x))))
 *   out = OR(slices(BN2(conv2(y))), s)       last block: BN2(conv2(y)) + BN3(mean of y's slices)
 *
 * BoolNet hands on OR(...) and half of what it got, shuffled: out = shuffle(concat(OR(...), z)), with z the half of
 * the block's channels that it does not look at, or s at the start of a stage.
 *
 * Convolutions: 3x3, a group for each slice, replicated borders, weights mean|w| sign(w); in training
 * clamp(w / T, -1, 1), T times 0.965 every 1000 steps. conv1x1: 1-bit and max-pooled, or real and mean-pooled, with
 * biases. BoolNet's first slices are of BN1(u) + BN(depthwise 3x3(BN2(u))). What is dilated has stride 1.
 *
 * Source: Guo et al. (arXiv 2106.06991); hpi-xnor/BoolNet at d59a0b3, BaseNet_k_4 and BoolNet_k_4, src/models, whose
 * operations are printed in its README.
 */
function boolnet(shuffles: boolean) {
  return (name: string, options: BoolnetOptions): Graph => {
    const { classes, width = 64, depths = [2, 2, 2, 2], stem = "imagenet" } = options;
    const { slices = 4, dilated = [false, false, false], realShortcut = false } = options;
    checkStages(name, width, depths);
    checkSlices(name, width, slices);
    checkDilated(name, dilated, shuffles);
    const settings = { slices, realShortcut };
    const block = shuffles ? shufflingBlock : baseBlock;
    return network(name, inputShape(options), (b, x) => {
      const start = firstMap(b, x, width, stem);
      let maps: Slices = shuffles ? adaptedSlices(b, start, slices) : plainSlices(b, start, slices);
      let dilation = 1;
      depths.forEach((depth, stage) => {
        const out = width * 2 ** stage;
        const before = dilation;
        const halves = stage > 0 && !dilated[stage - 1];
        if (stage > 0 && !halves) dilation *= 2;
        for (let i = 0; i < depth; i++) {
          const widens = stage > 0 && i === 0;
          const shape = {
            ...{ from: widens ? out / 2 : out, out, widens },
            stride: widens && halves ? 2 : 1,
            dilation: i === 0 ? before : dilation,
            last: stage === depths.length - 1 && i === depth - 1,
          };
          maps = block(b, `layer${stage + 1}.${i}`, maps, shape, settings);
        }
        if (maps.length > 1) stageOutput(b, joined(b, maps, `layer${stage + 1}`));
        else stageOutput(b, maps[0]);
      });
      return classifierHead(b, prelu(b, "prelu2", maps[0]), classes);
    });
  };
}

function checkSlices(name: string, width: number, slices: number): void {
  const sound = slices === 1 || (Number.isSafeInteger(slices) && slices > 0 && slices % 2 === 0);
  if (!sound) throw new UsageError(`${name}: slices ${slices} must be 1 or an even number`);
  if (width % slices === 0) return;
  throw new UsageError(
    `${name}: width ${width} must be a multiple of its ${slices} slices: each has as many channels of every convolution`,
  );
}

function checkDilated(name: string, dilated: readonly boolean[], shuffles: boolean): void {
  const sound = dilated.length === 3 && dilated.every((one) => typeof one === "boolean");
  if (!sound) {
    throw new UsageError(
      `${name}: dilated ${JSON.stringify(dilated)} must be three of true and false, for the stages behind the first`,
    );
  }
  if (shuffles || !dilated.includes(true)) return;
  throw new UsageError(`${name}: a BaseNet has no dilated stages; choose boolnet, which can`);
}

function firstMap(b: GraphBuilder, x: string, out: number, stem: Stem): string {
  const large = stem === "imagenet";
  const shape = large ? { kernel: 7, stride: 2 } : { kernel: 3, stride: 1 };
  const init = kaiming(out, shape.kernel);
  const normed = batchNorm(
    b,
    "maxpool.0",
    conv2d(b, "conv1", x, { out, ...shape, role: "stem", init }),
  );
  if (!large) return normed;
  return b.op("max-pool", [normed], { kernel: [3, 3], stride: [2, 2], padding: [1, 1] }, "maxpool");
}

function plainSlices(b: GraphBuilder, x: string, slices: number): Slices {
  return ghostSign(b, "ghostbnsign.1", batchNorm(b, "ghostbnsign.0", x), slices);
}

/** Thresholds that depend on what lies around a pixel. */
function adaptedSlices(b: GraphBuilder, x: string, slices: number): Slices {
  const k = (entry: string) => `ghostbnsign.${entry}`;
  const [, out] = b.shape(x);
  const normed = batchNorm(b, k("bn1"), x);
  const around = batchNorm(b, k("bn2"), x);
  const conv = { out, kernel: 3, groups: out, role: "stem", init: kaiming(out, 3) } as const;
  const zeros = conv2d(b, k("adaptive_zero_points.0"), around, conv);
  const points = batchNorm(b, k("adaptive_zero_points.1"), zeros);
  temperatureMirror(b, "ghostbnsign");
  const sum = b.op("add", [normed, points], {}, k("sum"));
  return ghostSign(b, k("GhostSign"), sum, slices);
}

function ghostSign(b: GraphBuilder, key: string, x: string, slices: number): Slices {
  temperatureMirror(b, key);
  const half = slices / 2;
  const steps = Array.from({ length: slices }, (_, i) => (i < half ? i - half : i - half + 1));
  if (slices === 1) return [sign(b, key, x, { estimator: "clip" })];
  return steps.map((step, i) => {
    const offset = b.constant(step / (half + 1));
    const moved = b.op("add", [x, offset], {}, `${key}.offset${i}`);
    return sign(b, `${key}.${i}`, moved, { estimator: "clip" });
  });
}

function joined(b: GraphBuilder, maps: Slices, name: string): string {
  return maps.length === 1 ? maps[0] : b.op("concat", [...maps], { axis: 1 }, name);
}

function gated(b: GraphBuilder, gate: "or" | "xnor", key: string, x: Slices, y: Slices): Slices {
  return x.map((map, i) => b.op("logic", [map, y[i]], { gate }, `${key}.${i}`));
}

/** What both halves of a block have in common. */
interface Halves {
  readonly residual: Slices;
  /** XNOR of the first convolution's slices and the residual. */
  readonly y: Slices;
  /** Of the second convolution. */
  readonly normed: string;
}

function halvesOf(
  b: GraphBuilder,
  key: string,
  x: Slices,
  block: Block,
  settings: Settings,
): Halves {
  const k = (entry: string) => `${key}.${entry}`;
  const residual = block.widens ? downsample(b, k("downsample"), x, block, settings) : x;
  const first = batchNorm(b, k("bn1"), sliceConv(b, k("conv1"), x, block));
  const own = ghostSign(b, k("ghostsign1"), first, settings.slices);
  const y = gated(b, "xnor", k("xnor"), own, residual);
  const second = sliceConv(b, k("conv2"), y, { ...block, stride: 1 });
  return { residual, y, normed: batchNorm(b, k("bn2"), second) };
}

function baseBlock(
  b: GraphBuilder,
  key: string,
  x: Slices,
  block: Block,
  settings: Settings,
): Slices {
  const halves = halvesOf(b, key, x, block, settings);
  if (block.last) return [realMap(b, key, halves)];
  return ored(b, key, halves, block, settings);
}

function shufflingBlock(
  b: GraphBuilder,
  key: string,
  given: Slices,
  block: Block,
  settings: Settings,
): Slices {
  const channels = b.shape(given[0])[1];
  const passes = !block.widens && channels === 2 * block.out;
  const half = (label: string, start: number) =>
    given.map((map, i) => {
      const attrs = { axis: 1, start, end: start + block.out };
      return b.op("slice", [map], attrs, `${key}.${label}.${i}`);
    });
  const x = passes ? half("taken", 0) : given;
  const halves = halvesOf(b, key, x, block, settings);
  if (block.last) return [realMap(b, key, halves)];
  const handed = passes ? half("passed", block.out) : halves.residual;
  return ored(b, key, halves, block, settings).map((map, i) => {
    const both = b.op("concat", [map, handed[i]], { axis: 1 }, `${key}.both.${i}`);
    return b.op("channel-shuffle", [both], { groups: 2 }, `${key}.shuffle.${i}`);
  });
}

function ored(
  b: GraphBuilder,
  key: string,
  { residual, normed }: Halves,
  { out }: Block,
  { slices }: Settings,
): Slices {
  const own = ghostSign(b, `${key}.ghostsign2`, normed, slices);
  deadBatchNorm(b, `${key}.bn3`, out);
  return gated(b, "or", `${key}.or`, own, residual);
}

function realMap(b: GraphBuilder, key: string, { y, normed }: Halves): string {
  temperatureMirror(b, `${key}.ghostsign2`);
  const [first, ...others] = y;
  const sum = others.reduce((total, map) => b.op("add", [total, map]), first);
  const mean = b.op("mul", [sum, b.constant(1 / y.length)], {}, `${key}.mean`);
  return b.op("add", [normed, batchNorm(b, `${key}.bn3`, mean)], {}, key);
}

function sliceConv(
  b: GraphBuilder,
  key: string,
  x: Slices,
  { out, stride, dilation }: Pick<Block, "out" | "stride" | "dilation">,
): string {
  const shape = { out, kernel: 3, stride, dilation, padding: dilation, groups: x.length };
  return binaryConv2d(b, key, joined(b, x, `${key}.input`), { ...shape, ...weights(out, 3) });
}

function downsample(
  b: GraphBuilder,
  key: string,
  x: Slices,
  { out, stride }: Block,
  { slices, realShortcut }: Settings,
): Slices {
  const input = joined(b, x, `${key}.input`);
  const products = realShortcut
    ? conv2d(b, `${key}.0`, input, {
        ...{ out, kernel: 1, groups: slices, bias: true, role: "shortcut" },
        init: kaiming(out, 1),
      })
    : biased(
        b,
        `${key}.0`,
        binaryConv2d(b, `${key}.0`, input, {
          ...{ out, kernel: 1, name: `${key}.0.conv` },
          ...weights(out, 1),
        }),
      );
  const next = stride === 2 ? 2 : 1;
  const pooled = stride === 2 ? pool(b, `${key}.1`, products, realShortcut) : products;
  return ghostSign(b, `${key}.${next + 1}`, batchNorm(b, `${key}.${next}`, pooled), slices);
}

function biased(b: GraphBuilder, key: string, x: string): string {
  const init: Init = { kind: "constant", value: 0 };
  const spec = { shape: [b.shape(x)[1]], kind: "parameter", role: "other", init } as const;
  return b.op("bias", [x, b.tensor(`${key}.bias`, spec)], {}, key);
}

function pool(b: GraphBuilder, name: string, x: string, means: boolean): string {
  const [, , height, width] = b.shape(x);
  if (height % 2 || width % 2) {
    throw new UsageError(
      `${name}: a ${height}x${width} map cannot be halved: choose an input size that is a multiple of the network's total stride`,
    );
  }
  const halving = { kernel: [2, 2], stride: [2, 2], padding: [0, 0] };
  return b.op(means ? "average-pool" : "max-pool", [x], halving, name);
}

function weights(out: number, kernel: number) {
  const soft = { threshold: 1e-7, hardIn: "inference" } as const;
  return {
    binarizer: { scale: "channel-mean", estimator: "scaled", range: 1, ...soft },
    padValue: "replicate",
    init: kaiming(out, kernel, 0.01),
  } as const;
}

/** Of the outgoing connections. */
function kaiming(out: number, kernel: number, times = 1): Init {
  return { kind: "normal", std: times * Math.sqrt(2 / (out * kernel * kernel)) };
}

const family = {
  ...imagenet,
  family: "boolnet",
  paper: "arXiv 2106.06991",
  checkpoints: "https://github.com/hpi-xnor/BoolNet",
  forms: ["binary"],
  preprocess: imagenetPreprocess(256, "bilinear"),
} as const;

const switches = ["width", "depths", "stem", "slices", "realShortcut"] as const;
const source = "hpi-xnor/BoolNet README, arXiv 2106.06991";

export const boolnetModels: ModelEntries = {
  boolnet: {
    ...family,
    description: "BoolNet on ResNet-18: maps stay signs, shortcuts are logic",
    switches: [...switches, "dilated"],
    defaults: { depths: [2, 2, 2, 2], slices: 4, dilated: [false, false, false] },
    published: onImagenet({ top1: 0.576, ops: 1.64e8, source }),
    build: boolnet(true),
  },
  "boolnet-star": {
    ...family,
    description: "BoolNet whose last stage is dilated instead of halving the map",
    switches: [...switches, "dilated"],
    defaults: { depths: [2, 2, 2, 2], slices: 4, dilated: [false, false, true] },
    published: onImagenet({ top1: 0.596, ops: 1.76e8, source }),
    build: boolnet(true),
  },
  "basenet-k4": {
    ...family,
    family: "basenet",
    description: "BaseNet: a ResNet-18 whose maps stay signs, four of each",
    switches,
    defaults: { depths: [2, 2, 2, 2], slices: 4 },
    published: onImagenet({ top1: 0.551, ops: 1.54e8, source }),
    build: boolnet(false),
  },
  "basenet-k1": {
    ...family,
    family: "basenet",
    description: "BaseNet with one sign of each number",
    switches,
    defaults: { depths: [2, 2, 2, 2], slices: 1 },
    published: onImagenet({ top1: 0.489, ops: 1.51e8, source }),
    build: boolnet(false),
  },
};

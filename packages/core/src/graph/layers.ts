/**
 * Layers: small functions that add tensors and nodes under the key names that PyTorch checkpoints
 * use. Every one takes the builder, a key (the module path: `feature.3.bn1`) and its input values,
 * and returns the name of its output value, which is the key itself unless `name` says otherwise.
 */
import { UsageError } from "../errors.js";
import type { WeightEstimator } from "../ops/weight-estimators.js";
import { GraphBuilder } from "./builder.js";
import type { Graph, Init, Shape, TensorRole } from "./types.js";

const ones: Init = { kind: "constant", value: 1 };
const zeros: Init = { kind: "constant", value: 0 };

/** PyTorch's default for a convolution or linear weight, and for the bias beside it. */
export function defaultInit(weightShape: Shape): Init {
  return { kind: "uniform-fan-in", fanIn: weightShape.slice(1).reduce((n, dim) => n * dim, 1) };
}

/**
 * Defines a network over images in one call.
 *
 *   const graph = network("tiny", [1, 3, 32, 32], (b, x) => {
 *     const y = batchNorm(b, "bn1", conv2d(b, "conv1", x, { out: 16, kernel: 3, role: "stem" }));
 *     return linear(b, "fc", globalAveragePool(b, "pool", y), 10);
 *   });
 *
 * shape: [N, C, H, W] of the input "x" (normalised). What `define` returns, [N, classes], becomes
 * the output "logits"; further outputs can be named with b.output.
 */
export function network(
  name: string,
  shape: Shape,
  define: (b: GraphBuilder, x: string) => string,
): Graph {
  const b = new GraphBuilder(name);
  const logits = define(b, b.input("x", shape));
  b.output("logits", logits);
  return b.build();
}

/** The scalar input "temperature" of progressive weight binarisation, created on first use. */
export function temperatureInput(b: GraphBuilder): string {
  return b.has("temperature") ? "temperature" : b.input("temperature", []);
}

/** Size and geometry of a convolution; kernels are square. */
export interface ConvOptions {
  /** Output channels. */
  readonly out: number;
  readonly kernel: number;
  readonly stride?: number;
  /** On all sides; half the kernel when absent. */
  readonly padding?: number;
  readonly groups?: number;
  /** Also adds `${key}.bias`, [out]. */
  readonly bias?: boolean;
  readonly role?: TensorRole;
  readonly init?: Init;
  readonly name?: string;
  /** Puts weight and input on a grid; see LayerBits. */
  readonly bits?: LayerBits;
}

/** Bit widths of a quantised real layer, each a min-max grid; its bias stays float32. */
export interface LayerBits {
  readonly weight: number;
  /** Absent: the input is taken as it is. */
  readonly input?: number;
}

/** Where the official modules clip what they quantise. */
const convClip = 1000;
const linearClip = 25;

/** Real-valued 2-D convolution: `${key}.weight` [O, I / groups, K, K], optionally `${key}.bias` [O]. */
export function conv2d(b: GraphBuilder, key: string, x: string, options: ConvOptions): string {
  const { bias = false, role = "other", name = key } = options;
  const shape = weightShape(b, x, options);
  const init = options.init ?? defaultInit(shape);
  const stored = b.tensor(`${key}.weight`, { shape, kind: "parameter", role, init });
  const sources = quantised(b, key, [x, stored], bitsOf(options.bits, b.shape(x)), convClip);
  const attrs = convAttributes(options);
  if (!bias) return b.op("conv", sources, attrs, name);
  const products = b.op("conv", sources, attrs, `${name}.conv`);
  return b.op("bias", [products, biasOf(b, key, shape, role)], {}, name);
}

/** Three channels are taken for a colour image, whose 8 bits need no grid; so in gates, too. */
function bitsOf(bits: LayerBits | undefined, [, channels]: Shape): LayerBits | undefined {
  return bits?.input === 8 && channels === 3 ? { weight: bits.weight } : bits;
}

/**
 * Input and weight of a real layer on their grids. Groups: each image of a vector [N, F] or
 * [N, C, 1, 1], each plane of a map; each output channel of a 1x1 or linear weight, each kernel plane
 * of another. Source: hpi-xnor/BNext, utils_quant.py.
 */
function quantised(
  b: GraphBuilder,
  key: string,
  [x, weight]: readonly [x: string, weight: string],
  bits: LayerBits | undefined,
  clip: number,
): string[] {
  if (!bits) return [x, weight];
  const grid = (value: string, width: number) => {
    const planes = b
      .shape(value)
      .slice(2)
      .some((dim) => dim > 1);
    return { bits: width, clip, leading: planes ? 2 : 1 };
  };
  const w = b.op("quantise-weight", [weight], grid(weight, bits.weight), `${key}.quantise-weight`);
  if (bits.input === undefined) return [x, w];
  return [b.op("quantise", [x], grid(x, bits.input), `${key}.quantise`), w];
}

/** How latent real weights become signs; see the op binarize-weight. */
export interface WeightBinarizer {
  readonly scale: "none" | "channel-mean";
  readonly estimator: WeightEstimator;
  /** Gradient window [-range, range] of the estimators "clip" and "magnitude". */
  readonly range?: number;
  /** Progressive: clamp(w / T, -1, 1) until the scalar input "temperature" is below this. */
  readonly threshold?: number;
  /** Training clamps the latent weight in place to [-latentRange, latentRange] before use. */
  readonly latentRange?: number;
  /** "inference": weights are signs there, whatever the temperature. */
  readonly hardIn?: "inference";
}

/** A binary convolution, and how its weights become signs. */
export interface BinaryConvOptions extends Omit<ConvOptions, "bias" | "role"> {
  readonly binarizer: WeightBinarizer;
  /** Padding comes after the sign: 0 makes border windows ternary; replicate: the nearest signs. */
  readonly padValue?: -1 | 0 | 1 | "replicate";
  /** From one kernel position to the next: 1 when absent. */
  readonly dilation?: number;
  /** Stores the weight as `${key}.weights`, [O * I * K * K, 1], as ReActNet-A's step 2 does. */
  readonly flat?: boolean;
}

/**
 * 1-bit convolution of signs: y = conv(signs, binarize(weight)). No bias.
 *
 * With a threshold the network gets the scalar input "temperature", and `${key}.temperature` [1]
 * mirrors it, as BNext checkpoints hold it.
 */
export function binaryConv2d(
  b: GraphBuilder,
  key: string,
  signs: string,
  options: BinaryConvOptions,
): string {
  const { binarizer, flat = false, padValue = 0, dilation = 1, name = key } = options;
  const { scale, estimator, range, threshold, latentRange, hardIn } = binarizer;
  const shape = weightShape(b, signs, options);
  const init = options.init ?? defaultInit(shape);
  const size = shape.reduce((n, dim) => n * dim, 1);
  const stored = flat ? `${key}.weights` : `${key}.weight`;
  const spec = { kind: "parameter", role: "binary", init } as const;
  let weight = b.tensor(stored, { shape: flat ? [size, 1] : shape, ...spec });
  if (latentRange !== undefined) {
    const bounds = { low: -latentRange, high: latentRange, when: "training" } as const;
    weight = clampInPlace(b, stored, bounds, `${key}.clamp`);
  }
  if (flat) weight = b.op("reshape", [weight], { shape }, `${key}.view`);
  const sources = threshold === undefined ? [weight] : [weight, temperatureInput(b)];
  if (threshold !== undefined) temperatureMirror(b, key);
  const hard = hardIn ? { hardIn } : {};
  const attrs = { scale, estimator, range, threshold, zero: -1, ...hard };
  const bits = b.op("binarize-weight", sources, attrs, `${key}.binarize`);
  const { padding, ...window } = convAttributes(options);
  const dilated = dilation === 1 ? {} : { dilation: [dilation, dilation] };
  const geometry = { ...window, ...dilated };
  if (padValue !== "replicate") {
    return b.op("binary-conv", [signs, bits], { ...geometry, padding, padValue }, name);
  }
  const around = padding[0] ? b.op("replicate-pad", [signs], { padding }, `${key}.pad`) : signs;
  const inside = { ...geometry, padding: [0, 0], padValue: 0 };
  return b.op("binary-conv", [around, bits], inside, name);
}

/** `${key}.temperature`, [1]: holds the value of the input "temperature" in checkpoints. */
export function temperatureMirror(b: GraphBuilder, key: string): void {
  const mirrors = temperatureInput(b);
  const spec = { shape: [1], kind: "mirror", role: "other", init: ones, mirrors } as const;
  b.tensor(`${key}.temperature`, spec);
}

/** Bounds of a clamp, and whether it holds in inference too. */
export interface ClampBounds {
  readonly low: number;
  readonly high: number;
  readonly when: "always" | "training";
}

/** Clamps a tensor that a training forward pass writes back clamped; returns the value to use. */
export function clampInPlace(
  b: GraphBuilder,
  key: string,
  bounds: ClampBounds,
  name = `${key}.clamp`,
): string {
  const clamped = b.op("clamp", [key], { ...bounds }, name);
  b.update(key, clamped);
  return clamped;
}

/** What a batch normalisation has that is not PyTorch's default. */
export interface BatchNormOptions {
  /** 1e-5 when absent. */
  readonly epsilon?: number;
  /** The part of the new statistics in the running ones; 0.1 when absent. */
  readonly momentum?: number;
  /** Without them, neither `weight` nor `bias`. */
  readonly affine?: boolean;
  /** Every pass, inference too, first raises weights that are below this. */
  readonly leastWeight?: number;
  /** What weights start at; 1 when absent. */
  readonly gamma?: number;
}

/** Batch normalisation, epsilon 1e-5, momentum 0.1 (PyTorch's BatchNorm2d); its five entries. */
export function batchNorm(
  b: GraphBuilder,
  key: string,
  x: string,
  name = key,
  { epsilon = 1e-5, momentum = 0.1, affine = true, leastWeight, gamma }: BatchNormOptions = {},
): string {
  const inputs = batchNormTensors(b, key, b.shape(x)[1], { affine, gamma });
  if (leastWeight !== undefined) {
    const bounds = { low: leastWeight, high: MAX_FLOAT32, when: "always" } as const;
    inputs[0] = clampInPlace(b, inputs[0], bounds, `${key}.clamp`);
  }
  const attrs = { epsilon, momentum };
  const [y, mean, variance] = b.opOutputs("batch-norm", [x, ...inputs], attrs, name);
  b.update(`${key}.running_mean`, mean);
  b.update(`${key}.running_var`, variance);
  return y;
}

/** A batch-norm that the official module owns and never runs: loaded, stored, unused. */
export function deadBatchNorm(b: GraphBuilder, key: string, channels: number): void {
  batchNormTensors(b, key, channels, { dead: true });
}

const MAX_FLOAT32 = 3.4028234663852886e38;

function batchNormTensors(
  b: GraphBuilder,
  key: string,
  channels: number,
  { dead = false, affine = true, gamma = 1 },
): string[] {
  const shape = [channels];
  const add = (entry: string, kind: "parameter" | "buffer", init: Init) =>
    b.tensor(`${key}.${entry}`, { shape, kind: dead ? "dead" : kind, role: "norm", init });
  const live = [
    affine ? add("weight", "parameter", { kind: "constant", value: gamma }) : b.constant(1, shape),
    affine ? add("bias", "parameter", zeros) : b.constant(0, shape),
    add("running_mean", "buffer", zeros),
    add("running_var", "buffer", ones),
  ];
  const kind = dead ? "dead" : "counter";
  b.tensor(`${key}.num_batches_tracked`, { shape: [], kind, role: "norm", init: zeros });
  return live;
}

/** y = x for x > 0, else slope[c] * x; `${key}.weight` [C] starts at 0.25. */
export function prelu(b: GraphBuilder, key: string, x: string, name = key): string {
  const spec = { shape: [b.shape(x)[1]], kind: "parameter", role: "other", init: slope } as const;
  return b.op("prelu", [x, b.tensor(`${key}.weight`, spec)], {}, name);
}

const slope: Init = { kind: "constant", value: 0.25 };

/** A PReLU that the official module owns and never runs. */
export function deadPrelu(b: GraphBuilder, key: string, channels: number, value = 0.25): void {
  const init = { kind: "constant", value } as const;
  b.tensor(`${key}.weight`, { shape: [channels], kind: "dead", role: "other", init });
}

/** y = x + bias[c]; `${key}.bias` [1, C, 1, 1] starts at 0. */
export function learnableBias(b: GraphBuilder, key: string, x: string, name = key): string {
  const shape = [1, b.shape(x)[1], 1, 1];
  const bias = b.tensor(`${key}.bias`, { shape, kind: "parameter", role: "other", init: zeros });
  return b.op("bias", [x, bias], {}, name);
}

/** A sign and its straight-through estimator. */
export interface SignOptions {
  /** Straight-through estimator: "clip", "approx", "identity", "swish" or the name of your own. */
  readonly estimator?: string;
  /** Window of the estimator "clip". */
  readonly range?: number;
  /** Sign of an exactly zero input. */
  readonly zero?: -1 | 1;
}

/** y = +1 where x > 0, else -1, with a straight-through gradient. */
export function sign(b: GraphBuilder, name: string, x: string, options: SignOptions = {}): string {
  const { estimator = "approx", range = 1, zero = -1 } = options;
  return b.op("sign", [x], { estimator, range, zero }, name);
}

/**
 * RSign: signs around a learnable threshold per channel, y = sign(x + bias[c]), bias = -alpha.
 * `${key}.bias` [1, C, 1, 1]. Source: ReActNet (arXiv 2003.03488).
 */
export function rsign(b: GraphBuilder, key: string, x: string, options: SignOptions = {}): string {
  return sign(b, `${key}.sign`, learnableBias(b, key, x), options);
}

/**
 * RPReLU: a PReLU between two learnable shifts, y = PReLU(x + before) + after: for
 * gamma = -before, zeta = after: x - gamma + zeta where x > gamma, else beta (x - gamma) + zeta.
 * Source: ReActNet (arXiv 2003.03488).
 */
export function rprelu(
  b: GraphBuilder,
  keys: { readonly before: string; readonly slope: string; readonly after: string },
  x: string,
  name = keys.after,
): string {
  const shifted = prelu(b, keys.slope, learnableBias(b, keys.before, x));
  return learnableBias(b, keys.after, shifted, name);
}

/** y = x W^T + bias: [N, F] -> [N, out]; `${key}.weight` [out, F], `${key}.bias` [out]. */
export function linear(
  b: GraphBuilder,
  key: string,
  x: string,
  out: number,
  name = key,
  bits?: LayerBits,
): string {
  const role = "classifier";
  const shape = [out, b.shape(x)[1]];
  const spec = { shape, kind: "parameter", role, init: defaultInit(shape) } as const;
  const weight = b.tensor(`${key}.weight`, spec);
  const sources = quantised(b, key, [x, weight], bits, linearClip);
  return b.op("linear", [...sources, biasOf(b, key, shape, role)], {}, name);
}

/** Mean over the map as a vector: [N, C, H, W] -> [N, C]. */
export function globalAveragePool(b: GraphBuilder, name: string, x: string): string {
  const pooled = b.op("global-average-pool", [x], {}, name);
  return b.op("reshape", [pooled], { shape: [0, -1] }, `${name}.flatten`);
}

/**
 * 2x2 average pooling with stride 2. An odd map is refused: a stride-2 convolution beside it would
 * round up where pooling rounds down.
 */
export function halve(b: GraphBuilder, name: string, x: string): string {
  const [, , height, width] = b.shape(x);
  if (height % 2 || width % 2) {
    throw new UsageError(
      `${name}: a ${height}x${width} map cannot be halved: even input sizes are required, here and ` +
        "after every stride (choose an input size that is a multiple of the network's total stride)",
    );
  }
  return b.op("average-pool", [x], { kernel: [2, 2], stride: [2, 2], padding: [0, 0] }, name);
}

/** Size of a squeeze-and-excite gate. */
export interface SqueezeExciteOptions {
  /** Channels of the gate. */
  readonly out: number;
  readonly reduction?: number;
  /** Of both convolutions. */
  readonly bits?: LayerBits;
}

/**
 * Squeeze and excite: the gate, not yet multiplied.
 *
 *   g = sigmoid(W2 relu(W1 pooled + b1) + b2),  [N, out, 1, 1], from means pooled: [N, C, 1, 1]
 *
 * 1x1 convolutions C -> max(1, floor(out / reduction)) -> out with biases, entries `${key}.1` and
 * `${key}.3`. Source: arXiv 1709.01507.
 */
export function squeezeExcite(
  b: GraphBuilder,
  key: string,
  pooled: string,
  { out, reduction = 8, bits }: SqueezeExciteOptions,
): string {
  const hidden = Math.max(1, Math.floor(out / reduction));
  const dense = { kernel: 1, bias: true, role: "gate", bits } as const;
  const squeezed = conv2d(b, `${key}.1`, pooled, { ...dense, out: hidden });
  const excited = b.op("relu", [squeezed], {}, `${key}.2`);
  const logits = conv2d(b, `${key}.3`, excited, { ...dense, out });
  return b.op("sigmoid", [logits], {}, `${key}.4`);
}

function biasOf(b: GraphBuilder, key: string, weight: Shape, role: TensorRole): string {
  const init = defaultInit(weight);
  return b.tensor(`${key}.bias`, { shape: [weight[0]], kind: "parameter", role, init });
}

function weightShape(b: GraphBuilder, x: string, { out, kernel, groups = 1 }: ConvOptions): Shape {
  return [out, b.shape(x)[1] / groups, kernel, kernel];
}

function convAttributes({ kernel, stride = 1, groups = 1, ...options }: ConvOptions) {
  const padding = options.padding ?? Math.floor(kernel / 2);
  return { stride: [stride, stride], padding: [padding, padding], groups };
}

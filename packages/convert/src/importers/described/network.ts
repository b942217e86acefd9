import { OnebitError } from "onebit";
import {
  type Attributes,
  type Graph,
  type Init,
  type Node,
  sizeOf,
  type TensorKind,
  type TensorRole,
} from "onebit/graph";
import { bytesPerElement } from "../../readers/dtype.js";
import type { TensorEntry } from "../../readers/tensor-entry.js";
import { MOST_PIXELS, NetworkValues, type Value } from "./values.js";
import { type Numbers, reshaped, transposed } from "./weights.js";
import {
  type BinaryConvolution,
  noPads,
  type Pads,
  type Pair,
  type RealConvolution,
  type Window,
} from "./window.js";

const zeros: Init = { kind: "constant", value: 0 };
const ones: Init = { kind: "constant", value: 1 };
const LEAST = -3.4028234663852886e38;

/** Statistics and parameters of a batch normalisation; what is absent is 1 or 0. */
export interface BatchNorm {
  readonly gamma?: Numbers;
  readonly beta?: Numbers;
  readonly mean: Numbers;
  readonly variance: Numbers;
  readonly epsilon: number;
  /** The part of the old statistics in the new ones, as Keras counts. */
  readonly kept?: number;
}

/** What tensors of a file take there. */
export function bytesOf(tensors: ReadonlyMap<string, TensorEntry>): number {
  let bytes = 0;
  for (const { elements, dtype } of tensors.values()) bytes += elements * bytesPerElement[dtype];
  return bytes;
}

/**
 * A graph that is built from a file's own description of its network: every layer adds nodes under the
 * file's name for it, and the file's numbers as tensors beside it.
 */
export class DescribedNetwork extends NetworkValues {
  readonly #signs = new Map<string, Value>();
  readonly #areSigns = new Set<string>();

  /** Whether there is a 1-bit convolution in it. */
  get isBinary(): boolean {
    return Object.values(this.b.tensors).some(({ role }) => role === "binary");
  }

  /** What a softmax at the end reads: class scores, of which onebit makes probabilities itself. */
  beforeSoftmax(x: Value): Value {
    this.notes.add(
      "the softmax at the end of the file is left out: outputs are the scores before it",
    );
    return x;
  }

  /** The graph, with the class scores as its output. */
  classifier(scores: Value, where: string): Graph {
    const { name } = this.vector(scores, `${where}.vector`);
    const shape = this.b.shape(name);
    if (shape.length !== 2) {
      throw new OnebitError(
        `${where}: its output is [${shape}]; a classifier has one row of scores`,
      );
    }
    this.b.output("logits", name);
    return this.b.build();
  }

  clamp(x: Value, low: number, high: number, name: string): Value {
    return this.unary("clamp", x, { low, high, when: "always" }, name);
  }

  /** x times, or plus, one number. */
  scalar(op: "mul" | "add", x: Value, number: number, name: string): Value {
    return { ...x, name: this.b.op(op, [x.name, this.b.constant(number)], {}, name) };
  }

  /**
   * +1 where x > 0, else -1; `zero` where it is 0, `outside` where it is 0 around a map. Convolutions of one value
   * share its signs.
   */
  signs(x: Value, name: string, zero: 1 | -1 = 1, outside: 1 | -1 | 0 = zero): Value {
    const key = `${x.name} ${zero}`;
    const known = this.isSigns(x) ? x : this.#signs.get(key);
    if (known) return { ...known, flat: x.flat };
    const around = this.b.producer(x.name);
    if (around?.op === "pad") return this.#paddedSigns(x, around, name, [zero, outside]);
    const signs = this.unary("sign", x, { estimator: "clip", range: 1, zero }, name);
    this.#signs.set(key, signs);
    this.#areSigns.add(signs.name);
    return signs;
  }

  /** The sign of what is around a map is around its signs. */
  #paddedSigns(
    x: Value,
    { inputs: [map], attrs }: Node,
    name: string,
    [zero, outside]: readonly [1 | -1, 1 | -1 | 0],
  ): Value {
    const signs = this.signs({ name: map }, `${name}.map`, zero);
    const value = Math.sign(attrs.value as number) || outside;
    const padded = this.b.op("pad", [signs.name], { ...attrs, value }, name);
    if (value !== 0) this.#areSigns.add(padded);
    return { ...x, name: padded };
  }

  /** Whether a value holds only -1 and +1, for it is one of `signs`. */
  isSigns({ name }: Value): boolean {
    return this.#areSigns.has(name);
  }

  /** One number for each channel, or each element of a vector. */
  perChannel(
    op: "mul" | "bias" | "prelu",
    x: Value,
    numbers: Numbers,
    { name, key, role = "other" }: { name: string; key: string; role?: TensorRole },
  ): Value {
    const value = this.vector(x, `${name}.vector`);
    const [, channels, ...rest] = this.shape(value);
    const vector = this.inOrder(reshaped(numbers, [sizeOf(numbers.shape)]), value);
    if (vector.shape[0] !== channels) {
      throw new OnebitError(`${key}: ${vector.shape[0]} numbers for ${channels} channels`);
    }
    const init = op === "bias" ? zeros : ones;
    if (op !== "mul") {
      const parameter = this.tensor(key, vector, { role, init });
      return { ...value, name: this.b.op(op, [value.name, parameter], {}, name) };
    }
    const stretched = reshaped(vector, [1, channels, ...rest.map(() => 1)]);
    const parameter = this.tensor(key, stretched, { role, init });
    return { ...value, name: this.b.op(op, [value.name, parameter], {}, name) };
  }

  batchNorm(x: Value, key: string, { epsilon, kept = 0.9, ...stored }: BatchNorm): Value {
    const value = this.vector(x, `${key}.vector`);
    const [, channels, ...rest] = this.shape(value);
    const vector = (numbers: Numbers | undefined, entry: string, init: Init, kind?: TensorKind) => {
      if (!numbers) return this.b.constant(init === ones ? 1 : 0, [channels]);
      const ordered = this.inOrder(numbers, value);
      return this.tensor(`${key}.${entry}`, ordered, { kind, role: "norm", init });
    };
    const inputs = [
      vector(stored.gamma, "weight", ones),
      vector(stored.beta, "bias", zeros),
      vector(stored.mean, "running_mean", zeros, "buffer"),
      vector(stored.variance, "running_var", ones, "buffer"),
    ];
    const isVector = rest.length === 0;
    const map = isVector ? this.reshape(value.name, [0, channels, 1, 1], `${key}.map`) : value.name;
    const attrs = { epsilon, momentum: 1 - kept };
    const name = isVector ? `${key}.norm` : key;
    const [y, mean, variance] = this.b.opOutputs("batch-norm", [map, ...inputs], attrs, name);
    this.b.update(inputs[2], mean);
    this.b.update(inputs[3], variance);
    return { ...value, name: isVector ? this.reshape(y, [0, -1], key) : y };
  }

  /** Products only; see perChannel for a bias. */
  conv(
    x: Value,
    { weight, groups, binary, ...window }: RealConvolution,
    name: string,
    key = name,
  ): Value {
    const role = x.name === "x" ? "stem" : "other";
    const latent = this.tensor(`${key}.weight`, weight, { role: binary ? "binary" : role });
    const parameter = binary ? this.#binarised(latent, binary === "scaled", key) : latent;
    const { map, attrs } = this.#windowed(this.mapOf(x, name), window, 0, name);
    return { name: this.b.op("conv", [map, parameter], { ...attrs, groups }, name) };
  }

  /** Of signs; latent weights count by their sign, scaled: times the mean of their sizes per output. */
  binaryConv(
    signs: Value,
    { weight, groups, padValue, scaled = false, ...window }: BinaryConvolution,
    name: string,
    key = name,
  ): Value {
    const parameter = this.tensor(`${key}.weight`, weight, { role: "binary" });
    const bits = this.#binarised(parameter, scaled, key);
    const { map, attrs } = this.#windowed(this.mapOf(signs, name), window, padValue, name);
    return { name: this.b.op("binary-conv", [map, bits], { ...attrs, groups, padValue }, name) };
  }

  /** weight: [O, I], its columns in the file's order; binary: they count by their signs. Products only. */
  dense(
    x: Value,
    weight: Numbers,
    { name, key = name, binary, scaled = false }: DenseOptions,
  ): Value {
    const value = x.flat
      ? { name: this.reshape(x.name, [0, -1], `${name}.vector`), moved: this.movedOf(x) }
      : x;
    const ordered = this.columnsInOrder(weight, value);
    if (!binary) {
      const parameter = this.tensor(`${key}.weight`, ordered, { role: "classifier" });
      return { name: this.b.op("linear", [value.name, parameter], {}, name) };
    }
    const kernel = reshaped(ordered, [...ordered.shape, 1, 1]);
    const latent = this.tensor(`${key}.weight`, kernel, { role: "binary" });
    const signs = this.#binarised(latent, scaled, key);
    const matrix = this.reshape(signs, ordered.shape, `${key}.matrix`);
    return { name: this.b.op("linear", [value.name, matrix], {}, name) };
  }

  /** The same of signs: a convolution whose kernel is the map. */
  binaryDense(
    signs: Value,
    weight: Numbers,
    { name, key = name, scaled }: Omit<DenseOptions, "binary">,
  ): Value {
    const [outs] = weight.shape;
    const shape = this.shape(signs);
    const map =
      shape.length === 4
        ? signs.name
        : this.reshape(signs.name, [0, shape[1], 1, 1], `${name}.map`);
    const [, channels, height, width] = this.b.shape(map);
    const kernel =
      signs.flat === "hwc"
        ? transposed(reshaped(weight, [outs, height, width, channels]), [0, 3, 1, 2])
        : reshaped(this.columnsInOrder(weight, signs), [outs, channels, height, width]);
    const window = { stride: [1, 1], dilation: [1, 1], pads: noPads } as const;
    const options = { weight: kernel, groups: 1, padValue: 0, scaled, ...window } as const;
    const sums = this.binaryConv({ name: map }, options, `${name}.sums`, key);
    return { name: this.reshape(sums.name, [0, -1], name) };
  }

  #binarised(latent: string, scaled: boolean, key: string): string {
    const scale = scaled ? "channel-mean" : "none";
    const binarizer = { scale, estimator: "clip", range: 1, zero: 1 };
    return this.b.op("binarize-weight", [latent], binarizer, `${key}.binarize`);
  }

  maxPool(x: Value, kernel: Pair, window: Omit<Window, "dilation">, name: string): Value {
    const whole = { ...window, dilation: [1, 1] } as const;
    const signs = this.isSigns(x);
    const least = signs ? -1 : LEAST;
    const { map, attrs } = this.#windowed(this.mapOf(x, name), whole, least, name, kernel);
    const pooled = { name: this.b.op("max-pool", [map], { ...attrs, kernel }, name) };
    if (signs) this.#areSigns.add(pooled.name);
    return pooled;
  }

  /** Means of what lies inside the map: windows must not reach over its border. */
  averagePool(
    x: Value,
    kernel: Pair,
    { stride, pads }: Omit<Window, "dilation">,
    name: string,
  ): Value {
    const map = this.mapOf(x, name);
    if ([...pads.before, ...pads.after].some((rows) => rows > 0)) {
      throw new OnebitError(
        `${name}: an average pool whose windows reach over the border (${this.shape(x).slice(2).join("x")} by ${kernel.join("x")}, stride ${stride.join("x")}); onebit has it without padding only`,
      );
    }
    const attrs = { kernel, stride, padding: [0, 0] };
    return { name: this.b.op("average-pool", [map], attrs, name) };
  }

  /** Means over the whole map: [N, C], or [N, C, 1, 1] where kept. */
  globalAveragePool(x: Value, name: string, kept = false): Value {
    const map = this.mapOf(x, name);
    if (kept) return { name: this.b.op("global-average-pool", [map], {}, name) };
    const pooled = this.b.op("global-average-pool", [map], {}, `${name}.map`);
    return { name: this.reshape(pooled, [0, -1], name) };
  }

  /** Rows and columns of one number around a map: a node that convolutions and pools take over. */
  pad(x: Value, pads: Pads, value: number, name: string): Value {
    return { name: this.#padded(this.mapOf(x, name), pads, value, name) };
  }

  #padded(map: string, { before, after }: Pads, value: number, name: string): string {
    this.#checkPads(map, { before, after }, name);
    const pads = { before: [0, 0, ...before], after: [0, 0, ...after], value };
    return this.b.op("pad", [map], pads, name);
  }

  #checkPads(map: string, { before, after }: Pads, where: string): void {
    const [, channels, ...size] = this.b.shape(map);
    const [height, width] = size.map((n, axis) => before[axis] + n + after[axis]);
    if (!(sizeOf([channels, height, width]) > MOST_PIXELS)) return;
    throw new OnebitError(
      `${where}: with ${before.join(" and ")} rows and columns before it and ${after.join(" and ")} behind, its map is [${channels}, ${height}, ${width}]: more than ${MOST_PIXELS} numbers`,
    );
  }

  /** Padding that is not the same on both sides is a node of its own. */
  #windowed(
    x: string,
    { stride, dilation, pads }: Window,
    padding: number,
    name: string,
    kernel?: Pair,
  ): { map: string; attrs: Attributes } {
    const dilated = dilation.some((apart) => apart > 1) ? { dilation } : {};
    const { before, after } = pads;
    this.#checkPads(x, pads, name);
    const even = before.join() === after.join();
    const small = kernel === undefined || before.every((rows, axis) => 2 * rows <= kernel[axis]);
    if (even && small) return { map: x, attrs: { stride, padding: before, ...dilated } };
    const map = this.#padded(x, pads, padding, `${name}.pad`);
    return { map, attrs: { stride, padding: [0, 0], ...dilated } };
  }
}

interface DenseOptions {
  readonly name: string;
  readonly key?: string;
  readonly binary?: boolean;
  readonly scaled?: boolean;
}

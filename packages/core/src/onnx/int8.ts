import { OnebitError } from "../errors.js";
import type { OnnxParts } from "./live-parts.js";
import type { OnnxAttribute, OnnxNode, OnnxTensor } from "./model-proto.js";

/** Lowest and highest that values of a model become, by their names in it. */
export type Ranges = { readonly [value: string]: readonly [low: number, high: number] };

/** What runtimes have in whole numbers. */
const QUANTISED: ReadonlySet<string> = new Set([
  ...["Conv", "Gemm", "Add", "Mul", "Concat", "Sigmoid"],
  ...["Relu", "Clip", "MaxPool", "AveragePool", "GlobalAveragePool"],
]);

/**
 * Values that get a grid: what the quantised nodes read and give, but for outputs that none of them reads, and for
 * sums that only a clipping (Relu, Clip) reads, whose own grid does it.
 */
export function int8Values(parts: OnnxParts, outputs: readonly string[]): string[] {
  const constants = new Set(parts.initializers.map(({ name }) => name));
  const readers = readersOf(parts.nodes);
  const isClipped = (value: string) => {
    const all = readers.get(value) ?? [];
    return all.length === 1 && /^(Relu|Clip)$/.test(all[0].opType);
  };
  const computed = parts.nodes.filter((node) => isQuantised(node, constants));
  const given = computed.flatMap((node) => node.inputs.filter((input) => !constants.has(input)));
  const made = computed.flatMap((node) => node.outputs);
  const last = new Set(outputs.filter((value) => !given.includes(value)));
  const values = new Set([...given, ...made].filter((value) => value !== ""));
  return [...values].filter((value) => !last.has(value) && !isClipped(value));
}

function readersOf(nodes: readonly OnnxNode[]): Map<string, OnnxNode[]> {
  const readers = new Map<string, OnnxNode[]>();
  for (const node of nodes)
    for (const input of node.inputs) readers.set(input, [...(readers.get(input) ?? []), node]);
  return readers;
}

/** Convolutions and matrix products want constant weights; all others nothing but values. */
function isQuantised({ opType, inputs }: OnnxNode, constants: ReadonlySet<string>): boolean {
  if (!QUANTISED.has(opType)) return false;
  if (opType === "Conv" || opType === "Gemm") {
    return !constants.has(inputs[0]) && inputs.slice(1).every((input) => constants.has(input));
  }
  if (opType === "Clip") return !constants.has(inputs[0]);
  return inputs.every((input) => !constants.has(input));
}

/**
 * A float model with a QuantizeLinear and a DequantizeLinear at every value that has a grid ("QDQ"): runtimes compute
 * what stands between them in whole numbers.
 *
 *   values    uint8, one scale s and zero point z:   x ~ s (q - z),   s = (high - low) / 255, 0 among the levels
 *   weights   int8, a scale for each output channel: w ~ s_o q,       s_o = max|w_o| / 127
 *   biases    int32 of scale s s_o
 *
 * Source: ONNX Runtime's documentation, "Quantize ONNX models": the QDQ format, U8S8, per channel.
 */
export function quantisedParts(
  parts: OnnxParts,
  ranges: Ranges,
  outputs: readonly string[],
): OnnxParts {
  const writing = new Quantising(parts, ranges, outputs);
  for (const node of parts.nodes) writing.add(node);
  return writing.result();
}

type Float = OnnxTensor & { readonly data: Float32Array };

class Quantising {
  readonly #nodes: OnnxNode[] = [];
  readonly #tensors: Map<string, OnnxTensor>;
  readonly #constants: ReadonlySet<string>;
  readonly #values: ReadonlySet<string>;
  readonly #scales = new Map<string, number>();

  constructor(
    parts: OnnxParts,
    readonly ranges: Ranges,
    outputs: readonly string[],
  ) {
    this.#tensors = new Map(parts.initializers.map((tensor) => [tensor.name, tensor]));
    this.#constants = new Set(this.#tensors.keys());
    this.#values = new Set(int8Values(parts, outputs));
    const made = new Set(parts.nodes.flatMap((node) => node.outputs));
    for (const value of this.#values) if (!made.has(value)) this.#grid(value);
  }

  result(): OnnxParts {
    return { nodes: this.#nodes, initializers: [...this.#tensors.values()] };
  }

  add(node: OnnxNode): void {
    const inputs = node.inputs.map((input) => (this.#values.has(input) ? onGrid(input) : input));
    const weighted = node.opType === "Conv" || node.opType === "Gemm";
    const isWeighted = weighted && isQuantised(node, this.#constants);
    this.#nodes.push({ ...node, inputs: isWeighted ? this.#weights(node, inputs) : inputs });
    for (const output of node.outputs) if (this.#values.has(output)) this.#grid(output);
  }

  /** Puts a value on its grid. */
  #grid(value: string): void {
    const range = this.ranges[value];
    if (!range?.every(Number.isFinite)) {
      throw new OnebitError(`value "${value}": no finite range is known of it`);
    }
    // 0 is exact: it is what convolutions pad with.
    const [low, high] = [Math.min(0, range[0]), Math.max(0, range[1])];
    const scale = Math.fround((high - low) / 255) || 1;
    const zero = Math.min(255, Math.max(0, Math.round(-low / scale)));
    this.#scales.set(value, scale);
    const grid = [
      this.#store({ name: `${value}:scale`, shape: [], data: Float32Array.of(scale) }),
      this.#store({ name: `${value}:zero`, shape: [], data: Uint8Array.of(zero), type: "uint8" }),
    ];
    const levels = `${value}:levels`;
    this.#node("QuantizeLinear", [value, ...grid], levels);
    this.#node("DequantizeLinear", [levels, ...grid], onGrid(value));
  }

  /** Weights and bias of a convolution or matrix product, in whole numbers. */
  #weights(node: OnnxNode, [x, ...rest]: readonly string[]): string[] {
    const [weight, bias] = rest.map((name) => this.#float(name));
    const scale = this.#scales.get(node.inputs[0])!;
    const axis = node.opType === "Gemm" && !node.attributes.transB ? 1 : 0;
    const scales = channelScales(weight, axis);
    const rounded = Int8Array.from(weight.data, (w, i) =>
      Math.round(w / scales[channelOf(i, weight.shape, axis)]),
    );
    const quantised = this.#constant(node, "weight", { ...weight, data: rounded }, scales, axis);
    if (!bias) return [x, quantised];
    const products = scales.map((s) => s * scale);
    const sums = Int32Array.from(bias.data, (b, o) => Math.round(b / products[o]));
    return [x, quantised, this.#constant(node, "bias", { ...bias, data: sums }, products, 0)];
  }

  #constant(
    { name }: OnnxNode,
    what: string,
    tensor: Omit<OnnxTensor, "name">,
    scales: Float32Array,
    axis: number,
  ): string {
    const key = `${name}:int8-${what}`;
    const levels = this.#store({ ...tensor, name: `${key}:levels` });
    const scale = { name: `${key}:scale`, shape: [scales.length], data: scales };
    this.#node("DequantizeLinear", [levels, this.#store(scale)], key, axis);
    return key;
  }

  #float(name: string): Float {
    const tensor = this.#tensors.get(name)!;
    return { ...tensor, data: tensor.data as Float32Array };
  }

  #store(tensor: OnnxTensor): string {
    this.#tensors.set(tensor.name, tensor);
    return tensor.name;
  }

  #node(opType: string, inputs: readonly string[], output: string, axis?: number): void {
    const attributes: { [name: string]: OnnxAttribute } = {};
    if (axis !== undefined) attributes.axis = { kind: "int", value: axis };
    this.#nodes.push({ name: `${output}:node`, opType, inputs, outputs: [output], attributes });
  }
}

const onGrid = (value: string) => `${value}:grid`;

function channelOf(index: number, shape: readonly number[], axis: number): number {
  const inner = shape.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  return Math.floor(index / inner) % shape[axis];
}

/** 1 for a channel of zeros. */
function channelScales({ data, shape }: Float, axis: number): Float32Array {
  const highest = new Float32Array(shape[axis]);
  data.forEach((w, i) => {
    const channel = channelOf(i, shape, axis);
    highest[channel] = Math.max(highest[channel], Math.abs(w));
  });
  return highest.map((max) => Math.fround(max / 127) || 1);
}

import type { OnnxParts } from "./live-parts.js";
import type { OnnxNode, OnnxTensor } from "./model-proto.js";

type FloatTensor = OnnxTensor & { readonly data: Float32Array };

/** What a node does to a convolution's output, per channel: x * scale + shift. */
interface Affine {
  readonly scale?: Float64Array;
  readonly shift: Float64Array;
}

/**
 * Folds what follows a convolution into it, where that is legal: the numbers are constants and
 * nothing else reads what lies between (`outputs` are read too).
 *
 *   Conv(x, W, B), BatchNormalization   Conv(x, s W, s B + t)   s = scale / sqrt(var + epsilon),
 *                                                              t = bias - mean s
 *   Conv(x, W, B), Mul(s per channel)   Conv(x, s W, s B)
 *   Conv(x, W, B), Add(t per channel)   Conv(x, W, B + t)
 *
 * A 1-bit convolution keeps its weights, so that its sums are exact integers and a sign that follows
 * cannot fall the other way. Where the weights hold +m and -m per output channel (ReActNet's mean
 * |w|), -1 and +1 are left and the m move into the batch-norm that follows, or a Mul of their own:
 *
 *   Conv(x, m W), BatchNormalization(scale, mean)   Conv(x, W), BatchNormalization(m scale, mean / m)
 *   Conv(x, m W)                                    Mul(Conv(x, W), m)
 *
 * All computed in float64 and rounded once.
 */
export function fuseConvolutions(
  { nodes, initializers }: OnnxParts,
  outputs: readonly string[],
): OnnxParts {
  const fusion = new Fusion(nodes, initializers, outputs);
  for (const node of nodes) if (node.opType === "Conv") fusion.visit(node);
  return fusion.result();
}

class Fusion {
  readonly #tensors: Map<string, OnnxTensor>;
  readonly #nodes: readonly OnnxNode[];
  /** By name: what a node has become; nothing where it has been folded away. */
  readonly #replaced = new Map<string, readonly OnnxNode[]>();
  readonly #readers = new Map<string, OnnxNode[]>();
  readonly #outputs: ReadonlySet<string>;

  constructor(
    nodes: readonly OnnxNode[],
    initializers: readonly OnnxTensor[],
    outputs: readonly string[],
  ) {
    this.#nodes = nodes;
    this.#outputs = new Set(outputs);
    this.#tensors = new Map(initializers.map((tensor) => [tensor.name, tensor]));
    for (const node of nodes)
      for (const input of node.inputs) {
        const readers = this.#readers.get(input);
        if (readers) readers.push(node);
        else this.#readers.set(input, [node]);
      }
  }

  visit(conv: OnnxNode): void {
    const weight = this.#float(conv.inputs[1]);
    if (!weight || conv.inputs.length > 2) return;
    const magnitudes = magnitudesOf(weight);
    if (!magnitudes) this.#fuse(conv, weight);
    else if (!magnitudes.every((m) => m === 1)) this.#extract(conv, weight, magnitudes);
  }

  result(): OnnxParts {
    const nodes = this.#nodes.flatMap((node) => this.#replaced.get(node.name) ?? [node]);
    return { nodes, initializers: [...this.#tensors.values()] };
  }

  #onlyReader(value: string): OnnxNode | undefined {
    const readers = this.#readers.get(value) ?? [];
    return readers.length === 1 && !this.#outputs.has(value) ? readers[0] : undefined;
  }

  /** Takes in what follows, node after node; the sums are kept in float64 until the end. */
  #fuse(conv: OnnxNode, weight: FloatTensor): void {
    const out = weight.shape[0];
    const scale = new Float64Array(out).fill(1);
    const shift = new Float64Array(out);
    let [end] = conv.outputs;
    for (;;) {
      const next = this.#onlyReader(end);
      const affine = next && this.#affineOf(next, end, out);
      if (!affine) break;
      for (let o = 0; o < out; o++) {
        scale[o] *= affine.scale?.[o] ?? 1;
        shift[o] = shift[o] * (affine.scale?.[o] ?? 1) + affine.shift[o];
      }
      this.#replaced.set(next.name, []);
      [end] = next.outputs;
    }
    if (end === conv.outputs[0]) return;
    const scaled = scale.every((s) => s === 1) ? weight.name : this.#scaledRows(weight, scale);
    const bias = this.#vector(`${conv.name}:bias`, [out], shift);
    const inputs = [conv.inputs[0], scaled, bias];
    this.#replaced.set(conv.name, [{ ...conv, inputs, outputs: [end] }]);
  }

  /** Leaves -1 and +1 as weights. */
  #extract(conv: OnnxNode, weight: FloatTensor, magnitudes: Float64Array): void {
    const data = weight.data.map(Math.sign);
    const signs = this.#add({ ...weight, name: `${weight.name}:signs`, data });
    const exact = { ...conv, inputs: [conv.inputs[0], signs] };
    const [value] = conv.outputs;
    const norm = this.#onlyReader(value);
    if (norm && isNorm(norm) && this.#affineOf(norm, value, magnitudes.length)) {
      this.#replaced.set(conv.name, [exact]);
      this.#replaced.set(norm.name, [this.#scaledNorm(norm, magnitudes)]);
      return;
    }
    const sums = `${value}:sums`;
    const factor = this.#vector(`${conv.name}:scale`, [1, magnitudes.length, 1, 1], magnitudes);
    const name = `${conv.name}:scaled`;
    const mul = { name, opType: "Mul", inputs: [sums, factor], outputs: [value], attributes: {} };
    this.#replaced.set(conv.name, [{ ...exact, outputs: [sums] }, mul]);
  }

  /** A batch-norm of x / m that gives what it gave for x. */
  #scaledNorm(norm: OnnxNode, magnitudes: Float64Array): OnnxNode {
    const [x, scale, bias, mean, variance] = norm.inputs;
    const times = magnitudes.map((m, o) => this.#float(scale)!.data[o] * m);
    const over = magnitudes.map((m, o) => this.#float(mean)!.data[o] / m);
    const shape = [magnitudes.length];
    const newScale = this.#vector(`${norm.name}:scale`, shape, times);
    const newMean = this.#vector(`${norm.name}:mean`, shape, over);
    return { ...norm, inputs: [x, newScale, bias, newMean, variance] };
  }

  #affineOf(node: OnnxNode, x: string, channels: number): Affine | undefined {
    const { opType, inputs, attributes } = node;
    if (isNorm(node)) {
      const [scale, bias, mean, variance] = inputs.slice(1).map((name) => this.#float(name)?.data);
      if (!scale || !bias || !mean || !variance) return undefined;
      const { value: epsilon } = attributes.epsilon as { value: number };
      const s = Float64Array.from(scale, (g, o) => g / Math.sqrt(variance[o] + epsilon));
      return { scale: s, shift: s.map((g, o) => bias[o] - mean[o] * g) };
    }
    if (opType !== "Add" && opType !== "Mul") return undefined;
    const constant = this.#float(inputs.find((input) => input !== x) ?? "");
    if (constant?.shape.join() !== [1, channels, 1, 1].join()) return undefined;
    const values = Float64Array.from(constant.data);
    if (opType === "Add") return { shift: values };
    return { scale: values, shift: new Float64Array(channels) };
  }

  #float(name: string): FloatTensor | undefined {
    const tensor = this.#tensors.get(name);
    return tensor?.data instanceof Float32Array ? { ...tensor, data: tensor.data } : undefined;
  }

  #scaledRows({ name, shape, data }: FloatTensor, scale: Float64Array): string {
    const row = data.length / scale.length;
    const scaled = data.map((w, i) => w * scale[Math.floor(i / row)]);
    return this.#add({ name: `${name}:folded`, shape, data: scaled });
  }

  #vector(name: string, shape: readonly number[], values: Float64Array): string {
    return this.#add({ name, shape, data: Float32Array.from(values) });
  }

  /** Adds an initialiser, under a name like its own where that is taken. */
  #add(tensor: OnnxTensor): string {
    let { name } = tensor;
    for (let i = 1; this.#tensors.has(name); i++) name = `${tensor.name}_${i}`;
    this.#tensors.set(name, { ...tensor, name });
    return name;
  }
}

const isNorm = ({ opType }: OnnxNode) => opType === "BatchNormalization";

/** m[o] > 0 where every weight of output channel o is +m[o] or -m[o]; nothing for real weights. */
function magnitudesOf({ shape, data }: FloatTensor): Float64Array | undefined {
  const row = data.length / shape[0];
  if (row === 1) return undefined;
  const magnitudes = new Float64Array(shape[0]);
  for (let o = 0; o < magnitudes.length; o++) {
    const magnitude = Math.abs(data[o * row]);
    if (magnitude === 0) return undefined;
    for (let i = o * row; i < (o + 1) * row; i++) {
      if (data[i] !== magnitude && data[i] !== -magnitude) return undefined;
    }
    magnitudes[o] = magnitude;
  }
  return magnitudes;
}

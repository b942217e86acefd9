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
 * 1-bit weights are not scaled. Rather, where they hold +m and -m per output channel (ReActNet's
 * mean |w|), the m move into the batch-norm that follows and -1 and +1 are left:
 *
 *   Conv(x, m W), BatchNormalization(scale, mean)   Conv(x, W), BatchNormalization(m scale, mean / m)
 *
 * All computed in float64 and rounded once.
 */
export function fuseConvolutions(
  { nodes, initializers }: OnnxParts,
  outputs: readonly string[],
): OnnxParts {
  const fusion = new Fusion(nodes, initializers, outputs);
  for (const node of nodes) if (node.opType === "Conv") fusion.fuse(node);
  return fusion.result();
}

class Fusion {
  readonly #tensors: Map<string, OnnxTensor>;
  readonly #nodes: readonly OnnxNode[];
  /** By name: what a node has become, or nothing where it has been folded away. */
  readonly #replaced = new Map<string, OnnxNode | undefined>();
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

  fuse(conv: OnnxNode): void {
    for (let current = conv; ; ) {
      const next = this.#onlyReader(current.outputs[0]);
      if (!next) return;
      const fused = this.#fuseWith(current, next);
      if (!fused) return;
      this.#replaced.set(conv.name, fused);
      this.#replaced.set(next.name, undefined);
      current = fused;
    }
  }

  result(): OnnxParts {
    const nodes = this.#nodes.flatMap((node) => {
      if (!this.#replaced.has(node.name)) return [node];
      return this.#replaced.get(node.name) ?? [];
    });
    return { nodes, initializers: [...this.#tensors.values()] };
  }

  #onlyReader(value: string): OnnxNode | undefined {
    const readers = this.#readers.get(value) ?? [];
    return readers.length === 1 && !this.#outputs.has(value) ? readers[0] : undefined;
  }

  /** The convolution with the next node folded in; nothing where that stays a node. */
  #fuseWith(conv: OnnxNode, next: OnnxNode): OnnxNode | undefined {
    const [x, ...parameters] = conv.inputs;
    const [weight, bias] = parameters.map((name) => this.#float(name));
    if (!weight || (parameters.length > 1 && !bias)) return undefined;
    const affine = this.#affineOf(next, conv.outputs[0], weight.shape[0]);
    if (!affine) return undefined;
    const magnitudes = affine.scale && magnitudesOf(weight);
    if (magnitudes) {
      if (next.opType === "BatchNormalization" && !bias) {
        this.#moveMagnitudes(conv, weight, magnitudes, next);
      }
      return undefined;
    }
    const newWeight = affine.scale ? this.#scaledRows(weight, affine.scale) : weight.name;
    const newBias = this.#vector(`${conv.name}:bias`, affine.shift, (t, o) => {
      return (bias?.data[o] ?? 0) * (affine.scale?.[o] ?? 1) + t;
    });
    return { ...conv, inputs: [x, newWeight, newBias], outputs: next.outputs };
  }

  #affineOf({ opType, inputs, attributes }: OnnxNode, x: string, channels: number) {
    if (opType === "BatchNormalization") {
      const [scale, bias, mean, variance] = inputs.slice(1).map((name) => this.#float(name)?.data);
      if (!scale || !bias || !mean || !variance) return undefined;
      const { value: epsilon } = attributes.epsilon as { value: number };
      const s = Float64Array.from(scale, (g, o) => g / Math.sqrt(variance[o] + epsilon));
      return { scale: s, shift: s.map((g, o) => bias[o] - mean[o] * g) } satisfies Affine;
    }
    if (opType !== "Add" && opType !== "Mul") return undefined;
    const constant = this.#float(inputs.find((input) => input !== x) ?? "");
    if (constant?.shape.join() !== [1, channels, 1, 1].join()) return undefined;
    const values = Float64Array.from(constant.data);
    const affine: Affine =
      opType === "Add" ? { shift: values } : { scale: values, shift: new Float64Array(channels) };
    return affine;
  }

  #moveMagnitudes(
    conv: OnnxNode,
    weight: FloatTensor,
    magnitudes: Float64Array,
    norm: OnnxNode,
  ): void {
    if (magnitudes.every((m) => m === 1)) return;
    const [x, scale, bias, mean, variance] = norm.inputs;
    const name = `${weight.name}:signs`;
    const signs = this.#add({ ...weight, name, data: weight.data.map(Math.sign) });
    const times = this.#vector(`${norm.name}:scale`, magnitudes, (m, o) => {
      return this.#float(scale)!.data[o] * m;
    });
    const over = this.#vector(`${norm.name}:mean`, magnitudes, (m, o) => {
      return this.#float(mean)!.data[o] / m;
    });
    this.#replaced.set(conv.name, { ...conv, inputs: [conv.inputs[0], signs] });
    this.#replaced.set(norm.name, { ...norm, inputs: [x, times, bias, over, variance] });
  }

  #float(name: string): FloatTensor | undefined {
    const tensor = this.#tensors.get(name);
    return tensor?.data instanceof Float32Array ? { ...tensor, data: tensor.data } : undefined;
  }

  #scaledRows({ name, shape, data }: FloatTensor, scale: Float64Array): string {
    const row = data.length / scale.length;
    const scaled = Float32Array.from(data, (w, i) => w * scale[Math.floor(i / row)]);
    return this.#add({ name: `${name}:folded`, shape, data: scaled });
  }

  #vector(name: string, from: Float64Array, f: (value: number, o: number) => number): string {
    return this.#add({ name, shape: [from.length], data: Float32Array.from(from, f) });
  }

  /** Adds an initialiser, under a name like its own where that is taken. */
  #add(tensor: OnnxTensor): string {
    let { name } = tensor;
    for (let i = 1; this.#tensors.has(name); i++) name = `${tensor.name}_${i}`;
    this.#tensors.set(name, { ...tensor, name });
    return name;
  }
}

/** m[o] > 0 where every weight of output channel o is +m[o] or -m[o]; nothing for real weights. */
function magnitudesOf({ shape, data }: FloatTensor): Float64Array | undefined {
  const row = data.length / shape[0];
  if (row === 1) return undefined;
  const magnitudes = Float64Array.from({ length: shape[0] }, (_, o) => Math.abs(data[o * row]));
  const binary = data.every((w, i) => w !== 0 && Math.abs(w) === magnitudes[Math.floor(i / row)]);
  return binary ? magnitudes : undefined;
}

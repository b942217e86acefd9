import { type FloatArray, type Graph, type Shape, type Tensor, typesOf } from "onebit/graph";

/** How the graph uses a tensor as 1-bit weights. */
export interface BinaryUse {
  readonly outs: number;
  /** channel-mean: each output channel is multiplied by its mean |w|. */
  readonly scale: "none" | "channel-mean";
}

/** Between a tensor and its signs: what leaves every sign as it was. */
const KEEPING = new Set(["clamp", "reshape"]);

/** The tensors that become 1-bit weights by their own signs, by key: not those that are centred first. */
export function binaryUses(graph: Graph): ReadonlyMap<string, BinaryUse> {
  const producers = new Map(graph.nodes.map((node) => [node.name, node]));
  const types = typesOf(graph);
  const uses = new Map<string, BinaryUse>();
  for (const { op, inputs, attrs } of graph.nodes) {
    if (op !== "binarize-weight") continue;
    const [outs] = types.get(inputs[0])!.shape;
    let source = inputs[0];
    for (
      let node = producers.get(source);
      node && KEEPING.has(node.op);
      node = producers.get(source)
    )
      [source] = node.inputs;
    if (!Object.hasOwn(graph.tensors, source)) continue;
    uses.set(source, { outs, scale: attrs.scale as BinaryUse["scale"] });
  }
  return uses;
}

/** The smallest normal float32: what a zero weight becomes so that it has a sign and no size. */
const tiny = 2 ** -126;

export function countZeros(weights: Float32Array): number {
  let zeros = 0;
  for (const w of weights) if (w === 0) zeros++;
  return zeros;
}

export function replaceZeros(weights: Float32Array, sign: 1 | -1): void {
  for (let i = 0; i < weights.length; i++) if (weights[i] === 0) weights[i] = sign * tiny;
}

/**
 * What packing needs of latent weights, in 1/32 of the memory: a sign per weight and, where the
 * network scales them, mean |w| per output channel. The result makes the weights again: +-1, or
 * +-mean.
 */
export function signsOnly(
  weights: Float32Array,
  shape: Shape,
  { outs, scale }: BinaryUse,
): () => Tensor {
  const bits = new Uint8Array(Math.ceil(weights.length / 8));
  for (let i = 0; i < weights.length; i++) if (weights[i] > 0) bits[i >> 3] |= 1 << (i & 7);
  const length = weights.length / outs;
  const means = scale === "none" ? undefined : channelMeans(weights, outs);
  return () => {
    // Means need float64: averaged again, they must come out the same.
    const data: FloatArray = means
      ? new Float64Array(length * outs)
      : new Float32Array(length * outs);
    for (let o = 0, i = 0; o < outs; o++) {
      const size = means ? means[o] : 1;
      for (const end = i + length; i < end; i++) {
        data[i] = bits[i >> 3] & (1 << (i & 7)) ? size : -size;
      }
    }
    return { shape, data };
  };
}

function channelMeans(weights: Float32Array, outs: number): Float64Array {
  const length = weights.length / outs;
  const means = new Float64Array(outs);
  for (let i = 0; i < weights.length; i++) means[Math.floor(i / length)] += Math.abs(weights[i]);
  return means.map((sum) => sum / length);
}

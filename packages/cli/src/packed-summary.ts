import { type Counts, costByBlock, type LayerCost, type Summary, summarize } from "onebit/cost";
import type { Graph } from "onebit/graph";
import { blockOf } from "onebit/models";
import type { Packed } from "onebit/pack";

/**
 * What a packed network takes: the counts of its float equivalent, with 1-bit convolutions counted
 * as such, which the graph of floats cannot know. Vectors that were folded away are not counted.
 *
 * graph: as `unpack` gives it, of `packed` where that is known: quantised weights count with their
 * bits then. bytes: of the file.
 */
export function summarizePacked(graph: Graph, bytes: number, packed?: Packed): Summary {
  const summary = summarize(graph);
  const bits = packed ? realBits(packed) : [];
  let real = 0;
  const layers = summary.layers.map((layer) => {
    const isReal = layer.op === "conv" || layer.op === "linear";
    return asPacked(layer, isReal ? bits[real++] : undefined);
  });
  const total = (count: keyof Counts) => layers.reduce((sum, layer) => sum + layer[count], 0);
  const { parameters, macs } = summary;
  const [binaryParameters, binaryMacs] = [total("binaryParameters"), total("binaryMacs")];
  return {
    ...summary,
    ...{ binaryParameters, binaryMacs, ops: total("ops"), layers, blocks: costByBlock(layers) },
    bytes: { float32: summary.bytes.float32, packed: bytes },
    binaryShareOfMacs: binaryMacs / macs,
    binaryShareOfParameters: binaryParameters / parameters,
  };
}

/** Bits of each real layer's weights, in order. */
function realBits({ program, tensors }: Packed): number[] {
  return program.steps.flatMap((step) => {
    if (step.kind !== "conv" && step.kind !== "linear") return [];
    const weight = tensors[step.weight];
    return [(weight.type === "float32" ? weight.quantised?.bits : undefined) ?? 32];
  });
}

/** Published counting: so many multiply-accumulates of quantised weights are one operation. */
const macsPerOperation: { readonly [bits: number]: number } = { 4: 16, 8: 8 };

function asPacked(layer: LayerCost, bits = 32): LayerCost {
  // Nodes are named "<node that the step covers>/<what>".
  const block = blockOf(layer.name.split("/")[0]);
  const { macs, parameters } = layer;
  if (layer.op !== "binary-conv") {
    return { ...layer, block, ops: macs / (macsPerOperation[bits] ?? 1) };
  }
  return { ...layer, block, binaryMacs: macs, ops: macs / 64, binaryParameters: parameters };
}

import { type Counts, costByBlock, type LayerCost, type Summary, summarize } from "onebit/cost";
import type { Graph } from "onebit/graph";
import { blockOf } from "onebit/models";

/**
 * What a packed network takes: the counts of its float equivalent, with 1-bit convolutions counted
 * as such, which the graph of floats cannot know. Vectors that were folded away are not counted.
 *
 * graph: as `unpack` gives it. bytes: of the file.
 */
export function summarizePacked(graph: Graph, bytes: number): Summary {
  const summary = summarize(graph);
  const layers = summary.layers.map(asPacked);
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

function asPacked(layer: LayerCost): LayerCost {
  // Nodes are named "<node that the step covers>/<what>".
  const block = blockOf(layer.name.split("/")[0]);
  if (layer.op !== "binary-conv") return { ...layer, block };
  const { macs, parameters } = layer;
  return { ...layer, block, binaryMacs: macs, ops: macs / 64, binaryParameters: parameters };
}

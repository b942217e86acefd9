import { loadModel, type Model } from "onebit";
import { writeOnebit } from "onebit/file";
import type { Graph } from "onebit/graph";
import { scalarInputs } from "onebit/models";
import { pack } from "onebit/pack";
import { hasBinaryWeights, temperatureThreshold } from "../run/binary.js";
import type { Tensors } from "../run/float-model.js";
import type { Scorer } from "./losses.js";

/**
 * The packed network, packed anew for every point; undefined for one whose weights are not binary. All backends
 * that `auto` takes agree bit for bit.
 */
export async function packedScorer(
  graph: Graph,
  tensors: Tensors,
  threads: number,
): Promise<Scorer | undefined> {
  if (!isBinary(graph, tensors)) return undefined;
  const open = async (values: Tensors) => {
    // A latent weight of 0 counts as -1, as in the graph itself.
    const packed = pack(graph, values, { zeroWeights: -1 });
    return loadModel(await writeOnebit(packed), { threads });
  };
  let model: Model = await open(tensors);
  return {
    engine: `packed, ${model.backend}`,
    notes: [],
    async set(values) {
      model.dispose();
      model = await open(values);
    },
    async logits(images, shape) {
      return (await model.run({ shape, data: images })).logits.data;
    },
    dispose: async () => model.dispose(),
  };
}

function isBinary(graph: Graph, tensors: Tensors): boolean {
  if (!hasBinaryWeights(graph)) return false;
  const threshold = temperatureThreshold(graph);
  const { temperature = 0 } = scalarInputs(graph, tensors);
  return threshold === undefined || temperature < threshold;
}

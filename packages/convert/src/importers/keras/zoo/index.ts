import type { Numbers } from "../../described/weights.js";
import type { KerasNetwork } from "../config.js";
import { binaryAlexNet, xnorNet } from "./alexnets.js";
import { Mismatch, ZooBuilder } from "./builder.js";
import { binaryDenseNets } from "./densenet.js";
import { quickNets } from "./quicknet.js";
import { realToBinaryNet } from "./real-to-binary.js";
import { birealNet, resnetE18 } from "./residual.js";

/**
 * Larq Zoo's networks, of which files of save_weights() hold arrays by layers and nothing else: told by how many
 * layers of each kind there are. Layer names are Keras's own ("quant_conv2d_3"): the kind, and a number that
 * counts in the order in which the network's code makes them, from wherever the run began. The file's order is
 * another one.
 *
 * Source: larq/zoo, larq_zoo/literature (birealnet, binary_alex_net, xnornet, resnet_e, densenet), at the
 * revisions of January 2021.
 */
const zoo = [
  birealNet,
  resnetE18,
  xnorNet,
  binaryAlexNet,
  ...binaryDenseNets,
  ...quickNets,
  realToBinaryNet,
];

/** The network of a file of weights; undefined where it is none of these. */
export function zooNetwork(
  weights: ReadonlyMap<string, ReadonlyMap<string, Numbers>>,
): KerasNetwork | undefined {
  for (const { name, build } of zoo) {
    const builder = new ZooBuilder(weights);
    try {
      build(builder);
    } catch (error) {
      if (error instanceof Mismatch) continue;
      throw error;
    }
    if (builder.isComplete) return { name, layers: builder.layers, output: builder.last };
  }
  return undefined;
}

/** For a message. */
export const zooNames = zoo.map(({ name }) => name).join(", ");

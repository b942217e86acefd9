import { OnebitError } from "../errors.js";
import { type Shape, sizeOf } from "../graph/types.js";
import { expectFloats } from "./checks.js";
import type { Op } from "./op.js";

export type ChannelShuffleAttributes = { readonly groups: number };

/**
 * Channels of g groups dealt out in turn, so that a grouped convolution behind it sees all groups.
 *
 *   y[n, a g + k, ...] = x[n, k C/g + a, ...]        k < g, a < C/g; the gradient shuffles with C/g groups
 *
 * x, y: [N, C, H, W], C a multiple of g. Source: ShuffleNet (arXiv 1707.01083), figure 1c.
 */
export const channelShuffle: Op<ChannelShuffleAttributes> = {
  name: "channel-shuffle",
  infer(inputs, { groups }) {
    expectFloats(inputs, "x");
    const [{ shape }] = inputs;
    if (shape.length !== 4) throw new OnebitError(`x must be [N, C, H, W], is [${shape}]`);
    if (Number.isSafeInteger(groups) && groups > 0 && shape[1] % groups === 0)
      return inputs.slice();
    throw new OnebitError(
      `groups ${groups}: must be a whole number that divides ${shape[1]} channels`,
    );
  },
  evaluate([{ shape, data: x }], { groups }, context) {
    const data = context.array(x.length);
    const plane = sizeOf(shape.slice(2));
    const [n, channels] = shape;
    for (let image = 0; image < n; image++)
      for (let c = 0; c < channels; c++) {
        const from = (image * channels + shuffledFrom(c, channels, groups)) * plane;
        data.set(x.subarray(from, from + plane), (image * channels + c) * plane);
      }
    return [{ shape, data }];
  },
  gradient: ({ b, gradOutputs: [g], needs }, { groups }) => [
    g && needs[0] ? b.op("channel-shuffle", [g], { groups: b.shape(g)[1] / groups }) : undefined,
  ],
  cost: () => ({ macs: 0, elementwise: 0 }),
  lower(l, { groups }) {
    const [n, channels, height, width]: Shape = l.shape(0);
    const grouped = l.ints([n, groups, channels / groups, height * width]);
    const apart = l.emit("Reshape", [l.inputs[0], grouped]);
    const dealt = l.transpose(apart, [0, 2, 1, 3]);
    return [l.emit("Reshape", [dealt, l.ints([n, channels, height, width])])];
  },
};

/** Which channel of x becomes channel c. */
export function shuffledFrom(c: number, channels: number, groups: number): number {
  return (c % groups) * (channels / groups) + Math.floor(c / groups);
}

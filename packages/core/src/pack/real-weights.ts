import type { Constants } from "../graph/constants.js";
import {
  type QuantisedWeight,
  type QuantiseWeightAttributes,
  quantiseWeight,
} from "../ops/quantise-weight.js";
import type { QuantisedTensor } from "../program/types.js";
import type { RealWeight } from "./network.js";

/** Output channels, input channels, positions of the kernel. */
type Extent = readonly [outs: number, channels: number, positions: number];

/** The weight of a real convolution or linear layer in the program's order, [O, positions, C]. */
export function realWeight(constants: Constants, name: string, extent: Extent): RealWeight {
  const quantiser = constants.producer(name);
  if (quantiser?.op !== "quantise-weight") {
    const { data } = constants.get(name);
    return { data: channelsLast(data, extent, new Float32Array(data.length)) };
  }
  const attrs = quantiser.attrs as QuantiseWeightAttributes;
  const { data, shape } = constants.get(quantiser.inputs[0]);
  const weight = quantiseWeight(data, shape, attrs);
  return {
    data: channelsLast(weight.values, extent, new Float32Array(data.length)),
    quantised: storable(weight, attrs, extent),
  };
}

/** Other widths than 4 and 8 bits have no stored form: their weights are kept as numbers. */
function storable(
  { codes, lows, ranges, scales }: QuantisedWeight,
  { bits, leading }: QuantiseWeightAttributes,
  extent: Extent,
): QuantisedTensor | undefined {
  if (bits !== 4 && bits !== 8) return undefined;
  const group = leading === 1 ? "row" : "plane";
  const ordered = channelsLast(codes, extent, new Uint8Array(codes.length));
  return { bits, group, codes: ordered, lows, ranges, scales };
}

/** [O, C, positions] to [O, positions, C]. */
function channelsLast<T extends Float32Array | Uint8Array>(
  data: ArrayLike<number>,
  [outs, channels, positions]: Extent,
  ordered: T,
): T {
  let to = 0;
  for (let o = 0; o < outs; o++)
    for (let p = 0; p < positions; p++)
      for (let c = 0; c < channels; c++) ordered[to++] = data[(o * channels + c) * positions + p];
  return ordered;
}

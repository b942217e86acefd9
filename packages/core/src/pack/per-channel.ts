import { OnebitError } from "../errors.js";
import { type Shape, sizeOf, type Tensor } from "../graph/types.js";
import type { PerChannel } from "./network.js";

/**
 * A constant as one number per channel of a value [1, C, H, W] or [1, C]: a scalar, [C] for ops that
 * take vectors, or anything that broadcasts along the channel axis only.
 */
export function perChannel({ shape, data }: Tensor, value: Shape): PerChannel {
  const channels = value[1];
  if (data.length === 1) return new Float64Array(channels).fill(data[0]);
  if (data.length === channels && sizeOf(value) === channels) return Float64Array.from(data);
  const axis = shape.length - value.length + 1;
  const along = shape.every((dim, i) => dim === 1 || (i === axis && dim === channels));
  if (along) return Float64Array.from(data);
  throw new OnebitError(`[${shape}] is not one number per channel of [${value}]`);
}

/** A vector tensor, [C], as the ops that own one take it. */
export function vector({ data }: Tensor): PerChannel {
  return Float64Array.from(data);
}

import type { SignLayer } from "./activation-layers.js";

/** One channel of a map, in bytes: 0 black, 255 white. */
export interface GreyMap {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A channel as real numbers, and as signs with its distribution shifted. */
export interface ChannelMaps {
  readonly channel: number;
  /** Lowest value black, highest white. */
  readonly real: GreyMap;
  /** +1 white: of x - shift, x and x + shift. */
  readonly down: GreyMap;
  readonly asIs: GreyMap;
  readonly up: GreyMap;
}

/** Channels of the map before a sign. */
export interface FeatureMaps {
  readonly layer: string;
  /** Half the standard deviation of all values of the map. */
  readonly shift: number;
  readonly channels: readonly ChannelMaps[];
}

/**
 * What a sign leaves of a map [C, H, W], and what it would leave with the distribution shifted down and up by half of its standard
 * deviation: how much hangs on where the threshold is (figure 3 of ReActNet, arXiv 2003.03488). Of the channels
 * those that vary most over the image.
 */
export function featureMaps(
  { name, threshold }: SignLayer,
  map: Float32Array,
  [channels, height, width]: readonly [number, number, number],
  count: number,
): FeatureMaps {
  const size = height * width;
  const plane = (channel: number) => map.subarray(channel * size, (channel + 1) * size);
  const shift = deviation(map) / 2;
  const all = Array.from({ length: channels }, (_, channel) => ({
    channel,
    spread: deviation(plane(channel)),
  }));
  const chosen = all
    .sort((a, b) => b.spread - a.spread || a.channel - b.channel)
    .slice(0, count)
    .sort((a, b) => a.channel - b.channel);
  const drawn = chosen.map(({ channel }): ChannelMaps => {
    const values = plane(channel);
    const t = threshold?.[threshold.length === 1 ? 0 : channel] ?? 0;
    const grey = (data: Uint8Array): GreyMap => ({ width, height, data });
    const signs = (by: number) => grey(Uint8Array.from(values, (x) => (x + by > t ? 255 : 0)));
    const real = grey(stretched(values));
    return { channel, real, down: signs(-shift), asIs: signs(0), up: signs(shift) };
  });
  return { layer: name, shift, channels: drawn };
}

function stretched(values: Float32Array): Uint8Array {
  const low = values.reduce((a, b) => Math.min(a, b));
  const span = values.reduce((a, b) => Math.max(a, b)) - low || 1;
  return Uint8Array.from(values, (x) => Math.round((255 * (x - low)) / span));
}

function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
}

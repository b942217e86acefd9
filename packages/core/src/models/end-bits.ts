import type { LayerBits } from "../graph/layers.js";

/** Bits of a network's real layers; undefined where they are not quantised. */
export interface EndBits {
  /** Stem and real shortcuts. */
  readonly stem?: number;
  readonly gate?: number;
  readonly classifier?: number;
}

const PATTERN = /^(4|8|32)-(4|8|32)-(4|8|32)$/;

export function isEndBits(quantised: string): boolean {
  return PATTERN.test(quantised);
}

/** "8-4-8" as numbers; 32 is not quantised. */
export function endBits(quantised: string | undefined): EndBits {
  const widths =
    PATTERN.exec(quantised ?? "")
      ?.slice(1)
      .map(Number) ?? [];
  const [stem, gate, classifier] = widths.map((width) => (width === 32 ? undefined : width));
  return { stem, gate, classifier };
}

/** Weights and input alike. */
export function alike(bits: number | undefined): LayerBits | undefined {
  return bits === undefined ? undefined : { weight: bits, input: bits };
}

/** A colour image has 8 bits already, so that 8-bit stems take it as it is. */
export function stemBits(bits: number | undefined, imageChannels: number): LayerBits | undefined {
  if (bits === 8 && imageChannels === 3) return { weight: bits };
  return alike(bits);
}

import type { LayerBits } from "../graph/layers.js";

/** Bits of a network's real layers; undefined where they are not quantised. */
export interface EndBits {
  readonly stem?: number;
  readonly gate?: number;
  readonly classifier?: number;
  /** Real shortcuts; only BNext-18 has them. */
  readonly shortcut?: number;
}

const PATTERN = /^(4|8|32)-(4|8|32)-(4|8|32)(?:-(4|8|32))?$/;

/** Three numbers, or four where the network has real shortcuts. */
export function isEndBits(quantised: string, hasShortcuts: boolean): boolean {
  const [, , , , shortcut] = PATTERN.exec(quantised) ?? [];
  return PATTERN.test(quantised) && (hasShortcuts || shortcut === undefined);
}

/** "8-4-8" as numbers; 32 is not quantised. Shortcuts are like the stem unless a fourth number says. */
export function endBits(quantised: string | undefined): EndBits {
  const widths =
    PATTERN.exec(quantised ?? "")
      ?.slice(1)
      .filter((width) => width !== undefined)
      .map(Number) ?? [];
  const [stem, gate, classifier, shortcut] = widths.map((width) =>
    width === 32 ? undefined : width,
  );
  return { stem, gate, classifier, shortcut: widths.length === 4 ? shortcut : stem };
}

/** Weights and input alike. */
export function alike(bits: number | undefined): LayerBits | undefined {
  return bits === undefined ? undefined : { weight: bits, input: bits };
}

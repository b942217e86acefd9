import type { TensorEntry } from "../readers/tensor-entry.js";
import type { ImportableFamily } from "./families.js";

type Entries = ReadonlyMap<string, TensorEntry>;

/** What only the official quantised modules hold: bounds that never change, and an unused factor. */
const CLIP = /(^|\.)(weight|activation|act)_clip_val$/;
const UNUSED = "fc.scale";

/** The tensors of the network, and those of its quantisers; only BNexts have any. */
export function withoutQuantisers(
  family: ImportableFamily,
  stored: Entries,
): { readonly tensors: Entries; readonly quantisers: Entries } {
  const isBnext = family === "bnext" || family === "bnext-18";
  const isQuantiser = (key: string) => isBnext && (CLIP.test(key) || key === UNUSED);
  const entries = [...stored];
  return {
    tensors: new Map(entries.filter(([key]) => !isQuantiser(key))),
    quantisers: new Map(entries.filter(([key]) => isQuantiser(key))),
  };
}

export interface FoundBits {
  /** Bits of stem, gates and classifier: see the models' switch "quantised". */
  readonly quantised?: string;
  readonly notes: readonly string[];
}

/**
 * Keys tell what is quantised, not to how many bits: stems and classifiers have 8, gates 4 or 8. What
 * the caller says goes before.
 */
export function findBits(quantisers: Entries, told: string | undefined): FoundBits {
  const keys = [...quantisers.keys()];
  const has = (pattern: RegExp) => keys.some((key) => pattern.test(key));
  if (!has(CLIP)) {
    const after = `stem, gates and classifier become ${told} bits; the network was trained without`;
    return told === undefined ? { notes: [] } : { quantised: told, notes: [after] };
  }
  if (told !== undefined) return { quantised: told, notes: [] };
  const gates = has(/\.se\.se\.\d+\.weight_clip_val$/);
  const stem = has(/^(feature\.0\.)?conv1\.weight_clip_val$/) ? 8 : 32;
  const classifier = has(/^fc\.weight_clip_val$/) ? 8 : 32;
  const quantised = `${stem}-${gates ? 4 : 32}-${classifier}`;
  const assumed = `weights do not tell the bits of quantised gates: ${quantised} is assumed, give them if they are not 4`;
  return { quantised, notes: gates ? [assumed] : [] };
}

const CONV_CLIP = 1000;
const LINEAR_CLIP = 25;

/** Bounds that are not the published ones, a sentence each. */
export async function clipNotes(quantisers: Entries): Promise<readonly string[]> {
  const notes: string[] = [];
  for (const [key, entry] of quantisers) {
    if (!CLIP.test(key)) continue;
    const clip = key.startsWith("fc.") ? LINEAR_CLIP : CONV_CLIP;
    const [low, high] = await entry.floats();
    if (low === -clip && high === clip) continue;
    notes.push(
      `${key} is [${low}, ${high}]; [${-clip}, ${clip}] is used, as published: the same unless numbers reach the nearer bound`,
    );
  }
  return notes;
}

import { OnebitError } from "onebit";
import type { Switches } from "onebit/models";
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
  /** What the official quantised class computes otherwise: see the models' switches. */
  readonly switches: Pick<Switches, "quantised" | "storedScale">;
  readonly notes: readonly string[];
}

/** Layers that are quantised together. Sources: hpi-xnor/BNext, bnext_quant.py, birealnet_quant.py. */
const ENDS = {
  stem: /^(feature\.0\.)?conv1\.weight$/,
  gates: /\.se\.se\.\d+\.weight$/,
  classifier: /^fc\.weight$/,
  shortcuts: /\.downsample\.1\.weight$/,
};
type End = keyof typeof ENDS;
const order: readonly End[] = ["stem", "gates", "classifier", "shortcuts"];

/**
 * Keys tell what is quantised: the official class registers bounds beside it. Stem, classifier and
 * shortcuts then have 8 bits, gates 4, 8 or 32, which nothing in the file tells: OnebitError unless the
 * caller says so. What has no bounds stays real, such as BNext-18's small stem.
 */
export function findBits(
  family: ImportableFamily,
  tensors: Entries,
  quantisers: Entries,
  told: string | undefined,
): FoundBits {
  if (![...quantisers.keys()].some((key) => CLIP.test(key))) {
    const after = `stem, gates and classifier become ${told} bits; the network was trained without`;
    return { switches: { quantised: told }, notes: told === undefined ? [] : [after] };
  }
  const isQuantised = (end: End) => hasBounds(ENDS[end], tensors, quantisers);
  if (told === undefined && isQuantised("gates")) throw unknownGates();
  const parts = (told ?? "8-32-8").split("-");
  // What is no list of bits is for the model to refuse.
  if (parts.length < 3) return { switches: { quantised: told }, notes: [] };
  const [stem, gates, classifier, shortcuts = stem] = parts;
  const wanted = { stem, gates, classifier, shortcuts };
  const bits = order.map((end) => (isQuantised(end) ? wanted[end] : "32"));
  const hasOwn = family === "bnext-18" && bits[3] !== bits[0];
  const quantised = bits.slice(0, hasOwn || parts.length > 3 ? 4 : 3).join("-");
  const ends = order.filter(isQuantised).join(", ");
  const notes = [`bounds beside its weights tell that ${ends} are quantised`];
  const storedScale = family === "bnext" || undefined;
  return { switches: { quantised, storedScale }, notes };
}

function unknownGates(): OnebitError {
  return new OnebitError(
    "its gates are of the official quantised class, and nothing in the file tells their bits: say --quantised 8-4-8 (4 bits, as published), 8-8-8 (8 bits) or 8-32-8 (the class made without se_bits)",
  );
}

function hasBounds(layers: RegExp, tensors: Entries, quantisers: Entries): boolean {
  const keys = [...tensors.keys()].filter((key) => layers.test(key));
  const bounded = keys.filter((key) => quantisers.has(`${key}_clip_val`));
  if (bounded.length === 0 || bounded.length === keys.length) return bounded.length > 0;
  const bare = keys.find((key) => !quantisers.has(`${key}_clip_val`));
  throw new OnebitError(
    `${bounded[0]} has bounds beside it and is quantised, ${bare} has none: no official class mixes them`,
  );
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

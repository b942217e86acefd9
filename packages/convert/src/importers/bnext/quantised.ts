import { OnebitError } from "onebit";
import type { FoundSwitches, Tensors } from "../catalogue/catalogued.js";

/** What only the official quantised modules hold: bounds that never change, and an unused factor. */
const CLIP = /(^|\.)(weight|activation|act)_clip_val$/;
const UNUSED = "fc.scale";

/** Tensors of the quantisers, which nothing reads. */
export const isQuantiser = (key: string): boolean => CLIP.test(key) || key === UNUSED;

/** What the official quantised class of a family does otherwise: see the models' switches. */
interface QuantisedClass {
  /** Whether it has real shortcuts, with bits of their own. */
  readonly shortcuts: boolean;
  readonly storedScale: boolean;
}

/** Bits as the file's keys and the caller tell. */
export function quantisedBits(family: QuantisedClass) {
  return async (tensors: Tensors, quantisers: Tensors, told?: string): Promise<FoundSwitches> => {
    const { switches, notes } = findBits(family, tensors, quantisers, told);
    return { switches, notes: [...notes, ...(await clipNotes(quantisers))] };
  };
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
function findBits(
  { shortcuts: hasShortcuts, storedScale }: QuantisedClass,
  tensors: Tensors,
  quantisers: Tensors,
  told: string | undefined,
): FoundSwitches {
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
  const hasOwn = hasShortcuts && bits[3] !== bits[0];
  const quantised = bits.slice(0, hasOwn || parts.length > 3 ? 4 : 3).join("-");
  const ends = order.filter(isQuantised).join(", ");
  const notes = [`bounds beside its weights tell that ${ends} are quantised`];
  return { switches: { quantised, storedScale: storedScale || undefined }, notes };
}

function unknownGates(): OnebitError {
  return new OnebitError(
    "its gates are of the official quantised class, and nothing in the file tells their bits: say --quantised 8-4-8 (4 bits, as published), 8-8-8 (8 bits) or 8-32-8 (the class made without se_bits)",
  );
}

function hasBounds(layers: RegExp, tensors: Tensors, quantisers: Tensors): boolean {
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
async function clipNotes(quantisers: Tensors): Promise<readonly string[]> {
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

import { fileSplit } from "./file-split.js";
import { glyphSplit } from "./glyph-split.js";
import { memorySplit } from "./memory-split.js";
import { rng } from "./random.js";
import { type PortableSplit, type Split, sharedInts } from "./split.js";

/** The split that a portable description stands for, in whatever thread. */
export function openSplit(portable: PortableSplit): Split {
  switch (portable.kind) {
    case "memory":
      return memorySplit(portable);
    case "glyphs":
      return glyphSplit(portable);
    case "files":
      return fileSplit(portable);
    case "subset":
      return subset(openSplit(portable.of), portable.indices);
    default:
      throw new Error(`unknown split ${JSON.stringify(portable satisfies never)}`);
  }
}

/** Whether its images are decoded from files; others lie in memory, or are drawn into it. */
export function isOfFiles({ portable }: Split): boolean {
  return innermost(portable)?.kind === "files";
}

function innermost(split: PortableSplit | undefined): PortableSplit | undefined {
  return split?.kind === "subset" ? innermost(split.of) : split;
}

/** Some items of a split, in the order of `indices`. */
export function subset(split: Split, indices: Int32Array): Split {
  return {
    length: indices.length,
    portable: split.portable && { kind: "subset", of: split.portable, indices },
    label: (i) => split.label(indices[i]),
    image: (i) => split.image(indices[i]),
    source: (i) => split.source(indices[i]),
  };
}

/** `count` items drawn without repetition, in their original order; the same for the same seed. */
export function sample(split: Split, count: number, seed: number, purpose: string): Split {
  if (count === split.length) return split;
  const all = Int32Array.from({ length: split.length }, (_, i) => i);
  const chosen = rng(seed, "sample", purpose).shuffle(all).slice(0, count).sort();
  return subset(split, sharedInts(chosen));
}

/** All items but those that came from one of `sources`. */
export function without(split: Split, sources: ReadonlySet<string>): Split {
  const all = Int32Array.from({ length: split.length }, (_, i) => i);
  const kept = all.filter((i) => !sources.has(split.source(i)));
  return kept.length === split.length ? split : subset(split, sharedInts(kept));
}

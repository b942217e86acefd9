import type { Random } from "onebit/conformance";
import { FILE_EDITS, type FileEdit } from "./file-edits.js";
import { type Parts, seal, takeApart } from "./parts.js";
import { editProgram } from "./program-edits.js";
import { seedFile, writeSeed } from "./seed-files.js";
import { writeUnchecked } from "./write-unchecked.js";

export interface Mutated {
  readonly bytes: Uint8Array;
  readonly story: string;
  readonly edits: readonly string[];
}

/**
 * A file with one to three edits. Half of the time its program is edited as a whole, so that what
 * hangs together still does and the checks let it pass; else, or then, the file.
 */
export async function mutate(random: Random): Promise<Mutated> {
  const { name, file } = seedFile(random);
  const edits: string[] = [];
  const told: string[] = [name];
  let parts: Parts;
  if (random.chance(0.55)) {
    const edited = editProgram(file, random);
    edits.push(...edited.edits);
    told.push(...edited.told);
    parts = writeUnchecked(edited.file);
  } else {
    parts = takeApart(await writeSeed(file, random));
  }
  const left = edits.length > 0 ? (random.chance(0.2) ? 1 : 0) : random.pick([1, 1, 1, 2, 3]);
  for (let i = 0; i < left; i++) {
    const [edit, apply] = random.pick(FILE_EDITS);
    edits.push(edit);
    told.push(`${edit}: ${attempt(apply, parts, random)}`);
  }
  return { bytes: seal(parts), story: told.join("\n"), edits };
}

/** Earlier edits may have left nothing that this one knows: then it does what it could. */
function attempt(edit: FileEdit, parts: Parts, random: Random): string {
  try {
    return edit(parts, random);
  } catch (error) {
    if (error instanceof TypeError) return "no longer possible";
    throw error;
  }
}

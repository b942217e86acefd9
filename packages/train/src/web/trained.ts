import { load } from "onebit";
import type { OnebitFile } from "onebit/file";
import { writeOnebit } from "onebit/file";
import type { Example } from "./examples.js";

/** A packed network that was trained on the spot. */
export interface Trained {
  /** A `.onebit` file: load() runs it, here and in Node. */
  readonly bytes: Uint8Array;
  readonly labels: readonly string[];
  /** How many pictures were held back, and the share of them that the packed network has right. */
  readonly held: number;
  readonly heldTop1: number | undefined;
}

/** Writes the file, and asks the network in it about what was held back. */
export async function finished(file: OnebitFile, held: readonly Example[]): Promise<Trained> {
  const labels = file.labels ?? [];
  const heldTop1 = held.length ? await top1(await writeOnebit(file), held) : undefined;
  const card = { ...file.card, heldBack: held.length, heldBackTop1: heldTop1 };
  return { bytes: await writeOnebit({ ...file, card }), labels, held: held.length, heldTop1 };
}

async function top1(bytes: Uint8Array, held: readonly Example[]): Promise<number> {
  using model = await load(bytes);
  const predictions = await model.classify(
    held.map(({ image }) => image),
    { top: 1 },
  );
  return predictions.filter(([best], i) => best.index === held[i].label).length / held.length;
}

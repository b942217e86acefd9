import type { BadPicture } from "@onebit/train/data";
import { type AnySubject, scoresOf } from "@onebit/train/subjects";
import { type Prediction, topPredictions } from "onebit";
import { reportBad } from "../bad-pictures.js";
import { classify, preparationOf } from "../subjects/classes.js";
import { type Output, percent, shown } from "../terminal.js";
import { named, ofPhotograph, type Photographs, type TensorFile } from "./images.js";

interface Item {
  readonly input: string;
  /** Empty for a picture that cannot be used; `error` says why. */
  readonly top: readonly Prediction[];
  readonly milliseconds: number;
  readonly error?: string;
}

/** The likeliest classes of photographs, one after another. */
export async function classifyPhotographs(
  subject: AnySubject,
  photographs: Photographs,
  top: number,
  out: Output,
): Promise<void> {
  preparationOf(subject);
  const items: Item[] = [];
  const bad: BadPicture[] = [];
  for (const input of photographs.paths) {
    const found = await ofPhotograph(input, photographs, async (image) => {
      const start = performance.now();
      const predictions = await classify(subject, image, top);
      return { input, top: predictions, milliseconds: performance.now() - start };
    });
    if ("reason" in found) bad.push(found);
    const item: Item =
      "made" in found ? found.made : { input, top: [], milliseconds: 0, error: found.reason };
    items.push(item);
    out.item(item);
    if ("made" in found) printItem(out, item);
  }
  out.result(items);
  reportBad(out, bad, items.length);
}

/** The likeliest classes of images that are normalised already, all at once. */
export async function classifyTensor(
  subject: AnySubject,
  { path, tensor }: TensorFile,
  top: number,
  out: Output,
): Promise<void> {
  const { classes, labels } = scoresOf(subject);
  const start = performance.now();
  const { logits } = await named(path, () => subject.run(tensor));
  const [count] = tensor.shape;
  const milliseconds = (performance.now() - start) / count;
  const items = Array.from({ length: count }, (_, n): Item => {
    const row = logits.data.subarray(n * classes, (n + 1) * classes);
    return { input: `${path}[${n}]`, top: topPredictions(row, top, labels), milliseconds };
  });
  for (const item of items) {
    out.item(item);
    printItem(out, item);
  }
  out.result(items);
}

function printItem(out: Output, { input, top, milliseconds }: Item): void {
  out.line(`${shown(input)}  (${milliseconds.toFixed(1)} ms)`);
  for (const { label, probability } of top) {
    out.line(`  ${percent(probability, 1).padStart(7)}  ${shown(label)}`);
  }
}

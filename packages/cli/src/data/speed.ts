import { type Recipe, trainingPreprocess } from "@onebit/train";
import { type Dataset, openLoader } from "@onebit/train/data";
import { UsageError } from "onebit";

/** The first part is not counted: threads start, pictures are decoded, code is compiled. */
const WARM_UP = 2000;
const MEASURED = 3000;

/** Training images that one worker thread prepares each second. */
export async function preparingSpeed(dataset: Dataset, recipe: Recipe): Promise<number> {
  if (!dataset.train.length) throw new UsageError(`${dataset.spec}: has no picture to train on`);
  const batch = Math.min(recipe.microBatch ?? recipe.batch, dataset.train.length);
  const preprocess = trainingPreprocess(dataset, recipe);
  const loader = openLoader(dataset, { workers: 1, keep: true });
  const begun = performance.now();
  let [since, images] = [begun, 0];
  try {
    for (let epoch = 0; ; epoch++) {
      const { augment } = recipe;
      const stream = loader.batches({ split: "train", batch, preprocess, augment, epoch });
      for await (const prepared of stream) {
        stream.recycle(prepared);
        images += prepared.count;
        const now = performance.now();
        if (since === begun && now - begun > WARM_UP) [since, images] = [now, 0];
        if (since > begun && now - since > MEASURED) return (1000 * images) / (now - since);
      }
    }
  } finally {
    await loader.close();
  }
}

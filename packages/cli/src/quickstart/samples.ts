import type { Sample } from "@onebit/train";
import type { Dataset } from "@onebit/train/data";
import type { Classifier } from "onebit";
import { png } from "../data/contact-sheet.js";

const COUNT = 24;
const SIDE = 64;

/** Evenly spaced test pictures with what the packed network says of them. */
export async function samplePictures(
  { test, classes }: Dataset,
  model: Classifier,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (let n = 0; n < Math.min(COUNT, test.length); n++) {
    const index = Math.floor((n * test.length) / COUNT);
    const image = await test.image(index);
    const picture = `data:image/png;base64,${(await png(image, SIDE)).toString("base64")}`;
    const top = await model.classify(image, { top: 3 });
    samples.push({ picture, truth: classes[test.label(index)], top });
  }
  return samples;
}

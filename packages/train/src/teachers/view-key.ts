import { createHash } from "node:crypto";
import type { Preprocess } from "onebit/image";
import {
  type AugmentOptions,
  type Dataset,
  fingerprint,
  imageAugmentations,
} from "../data/index.js";
import type { Teacher } from "./teacher.js";

/** What decides the pixels of a student's views. */
export interface Viewing {
  readonly dataset: Dataset;
  readonly preprocess: Preprocess;
  readonly augment: AugmentOptions;
  readonly seed: number;
}

/** All that decides what a teacher says of the views: another fact, another key. */
export function viewKey(teacher: Teacher, viewing: Viewing, data: string): object {
  const { dataset, preprocess, augment, seed } = viewing;
  return {
    format: 1,
    teacher: { sha256: teacher.sha256, preprocess: teacher.preprocess, onnx: teacher.onnx },
    data,
    classes: dataset.classes,
    ...{ preprocess, seed },
    augment: imageAugmentations(augment),
  };
}

/** The folder's name: the first digits of the facts' SHA-256. */
export function keyName(key: object): string {
  return createHash("sha256").update(JSON.stringify(key)).digest("hex").slice(0, 16);
}

/** What tells data from others. */
export async function identityOf(dataset: Dataset): Promise<string> {
  return (await fingerprint(dataset)) ?? (await pixelHash(dataset));
}

/** Of data that is made in the program. */
async function pixelHash({ train }: Dataset): Promise<string> {
  const hash = createHash("sha256");
  for (let i = 0; i < train.length; i++) {
    const { width, height, channels, data } = await train.image(i);
    hash.update(JSON.stringify([width, height, channels, train.label(i)])).update(data);
  }
  return hash.digest("hex").slice(0, 32);
}

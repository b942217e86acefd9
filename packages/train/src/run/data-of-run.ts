import { resolve } from "node:path";
import { UsageError } from "onebit";
import {
  commonFolder,
  type Dataset,
  holdOut,
  isInside,
  isOfFiles,
  openDataset,
  withoutPictures,
} from "../data/index.js";
import type { TrainOptions } from "./options.js";
import { RunFolder } from "./run-folder.js";

/** The data set of a training. UsageError where there is none, or the run would lie among its images. */
export async function dataOfRun({ data, out, resume }: TrainOptions): Promise<Dataset> {
  if (typeof data !== "string") return data;
  const dataset = await openDataset(data).catch((error: unknown) => {
    if (!resume || !(error instanceof UsageError)) throw error;
    throw new UsageError(
      `${error.message}. If the run's data were moved, say where to: --data SPEC`,
    );
  });
  refuseAmongPictures(dataset, out);
  return dataset;
}

/** UsageError for a folder of runs that lies among the images. */
export function refuseAmongPictures({ spec, train, test }: Dataset, out: string): void {
  for (const split of [train, test]) {
    if (!split.length || !isOfFiles(split)) continue;
    if (!isInside(resolve(out), resolve(commonFolder(split)))) continue;
    throw new UsageError(
      `${out}: lies among the pictures of ${spec}, where the run would be taken for a class: choose another folder (--out)`,
    );
  }
}

/**
 * The images of a run that was begun: without those that it left out and held back from its training. Undefined
 * where there is no run in `out`.
 */
export async function recordedData(out: string): Promise<Dataset | undefined> {
  const folder = new RunFolder(out);
  if (!(await folder.exists())) return undefined;
  const { spec, skipped = [], validation } = (await folder.read()).data;
  const dataset = withoutPictures(await openDataset(spec), skipped);
  return validation ? { ...dataset, train: holdOut(dataset, validation).train } : dataset;
}

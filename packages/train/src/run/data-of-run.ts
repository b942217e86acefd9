import { resolve } from "node:path";
import { UsageError } from "onebit";
import { commonFolder, type Dataset, isInside, isOfFiles, openDataset } from "../data/index.js";
import type { TrainOptions } from "./options.js";

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

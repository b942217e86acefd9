import { type BadPicture, badPicture } from "@onebit/train/data";
import { type ImageLike, OnebitError } from "onebit";
import { decodeImage } from "onebit/images";
import type { NpyArray } from "../npy.js";
import { FailedRun } from "../subjects/classes.js";

/** Photographs by their paths. */
export interface Photographs {
  readonly paths: readonly string[];
  /** Fail at the first that cannot be used. */
  readonly strict?: boolean;
}

/** Normalised images of a .npy file. */
export interface TensorFile {
  readonly path: string;
  readonly tensor: NpyArray;
}

/** Says which input an error is about. */
export async function named<T>(input: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OnebitError)) throw error;
    const Kind = error instanceof FailedRun ? FailedRun : OnebitError;
    throw new Kind(`${input}: ${error.message}`);
  }
}

/** What `work` makes of a photograph, or why it cannot be used. */
export async function ofPhotograph<T>(
  path: string,
  { strict }: Photographs,
  work: (image: ImageLike) => Promise<T>,
): Promise<{ readonly made: T } | BadPicture> {
  try {
    const image = await decodeImage(path);
    return { made: await named(path, () => work(image)) };
  } catch (error) {
    if (strict || error instanceof FailedRun) throw error;
    return badPicture(path, error);
  }
}

import { OnebitError } from "onebit";
import { type OnebitFile, readOnebit } from "onebit/file";
import type { FloatModel } from "onebit/models";
import { readPackedFile } from "onebit/node";
import { loadFloatModel } from "../run/float-model.js";

/** A float model: a .safetensors file, or a run folder, whose best weights are taken. */
export async function openFloatModel(path: string): Promise<FloatModel> {
  try {
    return await loadFloatModel(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new OnebitError(
      `${path}: a folder without best/model.safetensors: no run, or one that has no epoch with final weights yet`,
    );
  }
}

/** A packed file, and its bytes. */
export interface PackedFile extends OnebitFile {
  readonly bytes: Uint8Array;
}

/** What a .onebit file holds, checked. */
export async function openPacked(path: string): Promise<PackedFile> {
  const bytes = await readPackedFile(path);
  try {
    return { ...(await readOnebit(bytes)), bytes };
  } catch (error) {
    if (error instanceof OnebitError) throw new OnebitError(`${path}: ${error.message}`);
    throw error;
  }
}

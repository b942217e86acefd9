import type { FloatModel } from "onebit/models";
import { onebitCommand } from "onebit/words";
import { RunFolder } from "./run-folder.js";

/** Whose weights a run has that is not done. Nothing of others, nor of files. */
export async function unfinishedNotes(path: string, { card }: FloatModel): Promise<string[]> {
  const folder = new RunFolder(path);
  if (!(await folder.exists()) || (await folder.read()).result !== null) return [];
  const goOn = onebitCommand("train", "--resume", "--out", path);
  return [
    `${path}: the training is not done: these are the weights of epoch ${card.epoch} of ${card.epochs}. It goes on by ${goOn}`,
  ];
}

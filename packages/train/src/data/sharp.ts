import { OnebitError } from "onebit";
import type sharp from "sharp";

/** No picture can be decoded here: not the fault of any of them. */
export class NoDecoder extends OnebitError {}

/**
 * sharp, which decodes and encodes pictures: a library for each platform, which is loaded where the
 * first picture is met. NoDecoder where it is missing.
 */
export async function loadSharp(load = () => import("sharp")): Promise<typeof sharp> {
  try {
    return (await load()).default;
  } catch (error) {
    const [reason] = (error as Error).message.split("\n");
    throw new NoDecoder(
      `pictures need the package sharp, which does not load here (${reason}). Install it with its library for ${process.platform}-${process.arch}:\n  npm install --include=optional sharp`,
    );
  }
}

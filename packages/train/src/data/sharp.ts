import { loadDecoder } from "onebit/images";
import type sharp from "sharp";

/** sharp, loaded where it is first needed; NoDecoder where it is missing. */
export async function loadSharp(): Promise<typeof sharp> {
  return (await loadDecoder(() => import("sharp"))).default;
}

import type { MapType } from "onebit";
import { flag } from "./flag.js";
import { listOf, oneOf } from "./readers.js";
import { ofPacked } from "./scopes.js";

const type = oneOf<MapType>(["float32", "bfloat16"]);

export const maps = flag("--maps <type>", "how a packed network keeps maps between steps", type)
  .otherwise("as the file says")
  .of(ofPacked);

export const mapsList = flag(
  "--maps <list>",
  "how maps are kept between steps",
  listOf(type),
).otherwise("as the file says");

/** What users are told where maps are not float32, or not what was asked for. */
export function mapsNotes(kept: MapType, asked: MapType = kept): string[] {
  if (kept !== "float32") return [`maps between steps are ${kept}`];
  if (asked === kept) return [];
  return [`--maps ${asked} changes nothing: the network has no map that only epilogues touch`];
}

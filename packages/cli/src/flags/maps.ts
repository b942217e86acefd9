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

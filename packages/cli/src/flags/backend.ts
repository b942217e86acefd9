import type { BackendName } from "onebit";
import { flag } from "./flag.js";
import { listOf, oneOf } from "./readers.js";
import { ofPacked } from "./scopes.js";

export const backendNames: readonly BackendName[] = ["native", "wasm", "reference"];

const choice = oneOf<BackendName | "auto">(["auto", ...backendNames]);

export const backend = flag("--backend <name>", "where a packed network runs", choice)
  .byDefault("auto")
  .of(ofPacked);

export const againstBackend = flag("--against-backend <name>", "the same for the other", choice)
  .byDefault("auto")
  .of(ofPacked);

export const backendList = flag("--backend <list>", "only these, between commas", listOf(choice));

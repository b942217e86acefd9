import { TRAINING_BACKENDS } from "@onebit/train";
import { BACKENDS, type BackendName } from "onebit";
import { flag } from "./flag.js";
import { listOf, oneOf } from "./readers.js";
import { ofPacked } from "./scopes.js";

const choice = oneOf<BackendName | "auto">(["auto", ...BACKENDS]);

export const backend = flag("--backend <name>", "where a packed network runs", choice)
  .byDefault("auto")
  .of(ofPacked);

export const againstBackend = flag("--against-backend <name>", "the same for the other", choice)
  .byDefault("auto")
  .of(ofPacked);

export const backendList = flag("--backend <list>", "only these, between commas", listOf(choice));

export const trainingBackend = flag(
  "--backend <provider>",
  "what ONNX Runtime computes on",
  oneOf(TRAINING_BACKENDS),
).otherwise("cpu");

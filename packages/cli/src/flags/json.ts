import { flag } from "./flag.js";

export const json = flag("--json", "one JSON document");

export const jsonl = flag("--jsonl", "one line of JSON per image").excludes(json);

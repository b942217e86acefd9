import { models as architectures } from "onebit/models";
import { command } from "../flags/command.js";
import { json } from "../flags/json.js";
import { si, table, terminalOutput } from "../terminal.js";

export const models = command({
  name: "models",
  arguments: [],
  about: "list the architectures, with published figures",
  flags: [json],
  run(_, flags) {
    const out = terminalOutput(flags);
    const entries = Object.entries(architectures);
    const rows = entries.map(([name, { description, published }]) => [
      name,
      published ? `${(100 * published.top1).toFixed(1)} %` : "",
      published?.ops ? si(published.ops) : "",
      published?.mebibytes ? `${published.mebibytes} MiB` : "",
      description,
    ]);
    const align = ["left", "right", "right", "right", "left"] as const;
    out.line(table(["name", "top-1", "OPs", "size", "what"], rows, align));
    out.line(
      "\nTop-1, OPs and sizes are the authors' figures, on ImageNet or for 32 pixel images on CIFAR-10 (npx onebit models --json has the sources).",
    );
    out.result(entries.map(([name, { build: _, ...entry }]) => ({ name, ...entry })));
  },
});

import type { Command } from "commander";
import { models } from "onebit/models";
import { si, table, terminalOutput } from "../terminal.js";

export function registerModels(program: Command): void {
  program
    .command("models")
    .description("list the architectures, with published figures")
    .option("--json", "one JSON document")
    .action((flags: { json?: boolean }) => {
      const out = terminalOutput(flags);
      const entries = Object.entries(models);
      const rows = entries.map(([name, { description, published }]) => [
        name,
        published ? `${(100 * published.top1).toFixed(1)} %` : "",
        published?.ops ? si(published.ops) : "",
        published?.mebibytes ? `${published.mebibytes} MiB` : "",
        description,
      ]);
      out.line(
        table(["name", "top-1", "OPs", "size", "what"], rows, [
          "left",
          "right",
          "right",
          "right",
          "left",
        ]),
      );
      out.line(
        "\nTop-1, OPs and sizes are the authors' ImageNet figures (onebit models --json has the sources).",
      );
      out.result(entries.map(([name, { build: _, ...entry }]) => ({ name, ...entry })));
    });
}

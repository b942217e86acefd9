import type { CommandDeclaration } from "./command.js";
import type { AnyFlag } from "./flag.js";
import { nouns } from "./given.js";
import { listed } from "./readers.js";

/** The page of the documentation that lists every command with its flags. */
export function commandReference(commands: readonly CommandDeclaration[]): string {
  const head =
    "# Commands\n\nMade from the declarations of the commands, by `npm run docs:commands`.\n";
  return [head, ...commands.map(section)].join("\n");
}

function section({ name, about, flags, more, ...declared }: CommandDeclaration): string {
  const usage = ["onebit", name, ...declared.arguments].join(" ");
  const rows = flags.flatMap((flag) => (flag.facts.refusal === undefined ? [row(flag)] : []));
  const after = more === undefined ? [] : ["", "```", more, "```"];
  const table = ["| flag | meaning | goes with |", "|---|---|---|", ...rows];
  return [`## ${name}`, "", `\`${usage}\`: ${about}.`, "", ...table, ...after, ""].join("\n");
}

function row(flag: AnyFlag): string {
  const required = flag.facts.isRequired ? " (required)" : "";
  return `| \`${flag.spec}\` | ${flag.description}${required} | ${company(flag)} |`;
}

function company({ facts: { needs, excludes = [], scope } }: AnyFlag): string {
  const others = excludes.map(({ flag }) => `\`${flag.name}\``);
  const parts = [
    ...(scope
      ? [
          listed(
            scope.kinds.map((kind) => nouns[kind][1]),
            "and",
          ),
        ]
      : []),
    ...(needs ? [`\`${needs.flag.name}\``] : []),
    ...(others.length ? [`not ${listed(others)}`] : []),
  ];
  return parts.join("; ");
}

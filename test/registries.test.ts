import { readdirSync } from "node:fs";
import { join } from "node:path";
import { importers } from "@onebit/convert";
import { recipes } from "@onebit/train";
import { studies } from "@onebit/train/study";
import { models } from "onebit/models";
import { expect, it } from "vitest";
import { commands } from "../packages/cli/src/commands/index.js";
import { ops } from "../packages/core/src/ops/index.js";
import { BACKENDS } from "../packages/core/src/runtime/backends.js";
import { AUGMENTATIONS } from "../packages/train/src/data/augment/index.js";
import { sources } from "../packages/train/src/data/sources.js";
import { LOSSES } from "../packages/train/src/losses/catalogue.js";
import { OPTIMISERS } from "../packages/train/src/optimisers/catalogue.js";
import { isTest, read, root } from "./imports.js";

/** Things that are a file each, and a line in a list: without the line nobody finds them. */
interface Registry {
  readonly what: string;
  /** Where their files lie. */
  readonly folder: string;
  /** What a file of one says: no other is loaded. */
  readonly says: RegExp;
  /** What every one of them has, and nothing else there. */
  readonly fields: readonly string[];
  readonly list: readonly unknown[];
}

const registries: readonly Registry[] = [
  {
    what: "op",
    folder: "packages/core/src/ops",
    says: /\bOp\b/,
    fields: ["name", "infer", "evaluate", "cost", "lower"],
    list: Object.values(ops),
  },
  {
    what: "importer",
    folder: "packages/convert/src/importers",
    says: /: Importer =/,
    fields: ["family", "recognises", "network"],
    list: importers,
  },
  {
    what: "recipe",
    folder: "packages/train/src/recipes",
    says: /: Recipe =/,
    fields: ["name", "source", "epochs", "optimiser"],
    list: Object.values(recipes),
  },
  {
    what: "study",
    folder: "packages/train/src/studies",
    says: /: Study =/,
    fields: ["name", "question", "variants", "measures"],
    list: Object.values(studies),
  },
  {
    what: "loss",
    folder: "packages/train/src/losses",
    says: /: LossKind</,
    fields: ["name", "source", "defaults", "make"],
    list: LOSSES,
  },
  {
    what: "optimiser",
    folder: "packages/train/src/optimisers",
    says: /: Optimiser =/,
    fields: ["name", "source", "moments", "step"],
    list: OPTIMISERS,
  },
  {
    what: "data source",
    folder: "packages/train/src/data",
    says: /: DataSource =/,
    fields: ["kind", "open"],
    list: sources,
  },
  {
    what: "augmentation",
    folder: "packages/train/src/data/augment",
    says: /: (Image|Batch)Augmentation</,
    fields: ["name", "options", "bare"],
    list: AUGMENTATIONS,
  },
  {
    what: "command",
    folder: "packages/cli/src/commands",
    says: /= command\(/,
    fields: ["name", "about", "flags", "run"],
    list: commands,
  },
];

/** Everything that those product files of a folder export. */
async function exportsOf(
  folder: string,
  says: RegExp,
): Promise<readonly (readonly [name: string, value: unknown])[]> {
  const paths = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
  const files = paths.filter((path) => {
    return path.endsWith(".ts") && !isTest(path) && says.test(read(`${folder}/${path}`));
  });
  const modules = await Promise.all(files.map((file) => import(join(root, folder, file))));
  return modules.flatMap((module: object, i) => {
    return Object.entries(module).map(([name, value]): [string, unknown] => {
      return [`${folder}/${files[i]}: ${name}`, value];
    });
  });
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

it.each(registries)("every $what is in its list", async ({ folder, says, fields, list }) => {
  const all = await exportsOf(folder, says);
  const members = all.filter(
    ([, value]) => isObject(value) && fields.every((field) => field in value),
  );
  expect(members.length).toBeGreaterThanOrEqual(list.length);
  const forgotten = members.filter(([, value]) => !list.includes(value)).map(([name]) => name);
  expect(forgotten).toEqual([]);
});

it("every architecture is in the catalogue", async () => {
  const all = await exportsOf("packages/core/src/models", /ModelEntries =/);
  const isEntry = (value: unknown) => isObject(value) && "family" in value && "build" in value;
  const entries = all.flatMap(([name, value]) => {
    if (!isObject(value)) return [];
    return Object.entries(value).flatMap(([arch, entry]) => {
      return isEntry(entry) && models[arch] !== entry ? [`${name}, ${arch}`] : [];
    });
  });
  expect(entries).toEqual([]);
});

it("every backend has a name", () => {
  const folders = readdirSync(join(root, "packages/core/src/runtime/backends"), {
    withFileTypes: true,
  });
  const names = folders.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  expect(names.toSorted()).toEqual([...BACKENDS].toSorted());
});

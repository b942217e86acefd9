import {
  overrideRecipe,
  ownModules,
  parseOverrides,
  type Recipe,
  resolveRecipe,
} from "@onebit/train";
import {
  type BadPicture,
  DATA_SPEC,
  type Dataset,
  findBadPictures,
  openDataset,
  repeatedPictures,
  type Split,
  withoutPictures,
} from "@onebit/train/data";
import { UsageError } from "onebit";
import { counted } from "onebit/words";
import { listBad, reportBad } from "../bad-pictures.js";
import { augmentedSheet } from "../data/augmented-sheet.js";
import { contactSheet } from "../data/contact-sheet.js";
import { preparingSpeed } from "../data/speed.js";
import { command } from "../flags/command.js";
import { flag } from "../flags/flag.js";
import { json } from "../flags/json.js";
import { words } from "../flags/readers.js";
import { set } from "../flags/set.js";
import { strict } from "../flags/strict.js";
import { writeOutput } from "../output-file.js";
import { bar, StatusLine } from "../progress.js";
import { count, type Output, table, terminalOutput } from "../terminal.js";

const noDecode = flag("--no-decode", "only count pictures, without trying each of them");

const preview = flag(
  "--preview <file.png>",
  "write a sheet of training pictures, one row per class",
  words,
);

const recipe = flag(
  "--recipe <name>",
  "the sheet shows pictures as this recipe's augmentation shows them to the network",
  words,
);

const speed = flag(
  "--speed",
  "measure how many pictures a second one thread prepares for the recipe",
).needs(recipe);

export const data = command({
  name: "data",
  arguments: ["<spec>"],
  about: `describe and check a data set: ${DATA_SPEC}`,
  flags: [preview, recipe, set.needs(recipe), speed, strict.excludes(noDecode), noDecode, json],
  async run([spec], flags) {
    const out = terminalOutput(flags);
    const recipe = await chosenRecipe(flags);
    const dataset = await openDataset(spec);
    const bad = flags.decode === false ? [] : await badPictures(dataset, flags.strict);
    const usable = withoutPictures(
      dataset,
      bad.map(({ source }) => source),
    );
    if (flags.preview) {
      const sheet = recipe ? augmentedSheet(usable, recipe) : contactSheet(usable);
      await writeOutput(flags.preview, await sheet);
    }
    const preparedPerSecond = flags.speed && recipe && (await preparingSpeed(usable, recipe));
    const notes = [...usable.notes, ...(await repeatedPictures(usable))];
    const described = descriptionOf({ ...usable, notes });
    const description = { ...described, preparedPerSecond, bad: listBad(bad) };
    out.result(description);
    print(description, out);
    if (preparedPerSecond !== undefined) {
      out.line(`\n${count(Math.round(preparedPerSecond))} pictures a second, by one thread`);
    }
    for (const note of notes) out.note(`note: ${note}`);
    if (flags.preview) out.note(`wrote ${flags.preview}`);
    reportBad(out, bad, dataset.train.length + dataset.test.length);
  },
});

async function chosenRecipe(flags: {
  readonly recipe?: string;
  readonly set?: readonly string[];
  readonly preview?: string;
  readonly speed?: boolean;
}): Promise<Recipe | undefined> {
  if (flags.recipe === undefined) return undefined;
  if (flags.preview === undefined && !flags.speed) {
    throw new UsageError(
      `--recipe ${flags.recipe}: say what to do with it: --preview sheet.png, or --speed`,
    );
  }
  return ownModules(overrideRecipe(resolveRecipe(flags.recipe), parseOverrides(flags.set ?? [])));
}

function print(description: ReturnType<typeof descriptionOf>, out: Output): void {
  const { name, images, size, channels, classes, mean, std, perClass } = description;
  const whose = description.normalisedAs ? ` (${description.normalisedAs}'s, as is usual)` : "";
  const sized = size ? `${size.join(" x ")} pixels` : "of several sizes";
  const facts = [
    ["images", `${count(images.train)} train, ${count(images.test)} test, ${sized}`],
    ["channels", channels === 1 ? "1 (grey)" : "3 (colour)"],
    ["mean, std", `${mean.map((x) => x.toFixed(4))}; ${std.map((x) => x.toFixed(4))}${whose}`],
    ["classes", count(classes.length)],
  ];
  out.line(table([name, ""], facts, ["left", "left"]));
  const { train, test } = perClass;
  const rows = classes.map((label, i) => [label, count(train[i]), count(test[i])]);
  out.line();
  out.line(table(["class", "train", "test"], rows));
}

async function badPictures(dataset: Dataset, strict?: boolean): Promise<BadPicture[]> {
  const status = new StatusLine();
  const onProgress = (done: number, of: number) =>
    status.show(`${bar(done / of)} ${count(done)} of ${counted(of, "picture")} tried`);
  try {
    return await findBadPictures(dataset, { strict, onProgress });
  } finally {
    status.clear();
  }
}

function descriptionOf(dataset: Dataset) {
  const { spec, name, classes, channels, size, mean, std, notes, train, test } = dataset;
  const { normalisedAs = null } = dataset;
  const images = { train: train.length, test: test.length };
  const perClass = {
    train: perClassCounts(train, classes.length),
    test: perClassCounts(test, classes.length),
  };
  return { spec, name, images, size, channels, classes, perClass, mean, std, normalisedAs, notes };
}

function perClassCounts(split: Split, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < split.length; i++) counts[split.label(i)]++;
  return counts;
}

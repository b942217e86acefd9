import {
  type BadPicture,
  type Dataset,
  findBadPictures,
  openDataset,
  type Split,
  withoutPictures,
} from "@onebit/train/data";
import type { Command } from "commander";
import { listBad, reportBad, STRICT_HELP } from "../bad-pictures.js";
import { contactSheet } from "../contact-sheet.js";
import { writeOutput } from "../output-file.js";
import { bar, StatusLine } from "../progress.js";
import { count, table, terminalOutput } from "../terminal.js";

interface Flags {
  readonly preview?: string;
  readonly strict?: boolean;
  readonly decode: boolean;
  readonly json?: boolean;
}

export function registerData(program: Command): void {
  program
    .command("data <spec>")
    .description("describe and check a data set: glyphs, idx:DIR, cifar:DIR or folder:DIR")
    .option("--preview <file.png>", "write a sheet of training pictures, one row per class")
    .option("--strict", STRICT_HELP)
    .option("--no-decode", "only count pictures, without trying each of them")
    .option("--json", "one JSON document")
    .action(describe);
}

async function describe(spec: string, flags: Flags): Promise<void> {
  const out = terminalOutput(flags);
  const dataset = await openDataset(spec);
  const bad = flags.decode ? await badPictures(dataset, flags) : [];
  const usable = withoutPictures(
    dataset,
    bad.map(({ source }) => source),
  );
  if (flags.preview) await writeOutput(flags.preview, await contactSheet(usable));
  const description = { ...descriptionOf(usable), bad: listBad(bad) };
  out.result(description);
  const { name, images, size, channels, classes, mean, std } = description;
  const sized = size ? `${size.join(" x ")} pixels` : "of several sizes";
  out.line(
    table(
      [name, ""],
      [
        ["images", `${count(images.train)} train, ${count(images.test)} test, ${sized}`],
        ["channels", channels === 1 ? "1 (grey)" : "3 (colour)"],
        ["mean, std", `${mean.map((x) => x.toFixed(4))}; ${std.map((x) => x.toFixed(4))}`],
        ["classes", count(classes.length)],
      ],
      ["left", "left"],
    ),
  );
  const { train, test } = description.perClass;
  const rows = classes.map((label, i) => [label, count(train[i]), count(test[i])]);
  out.line();
  out.line(table(["class", "train", "test"], rows));
  for (const note of dataset.notes) out.note(`note: ${note}`);
  if (flags.preview) out.note(`wrote ${flags.preview}`);
  reportBad(out, bad, dataset.train.length + dataset.test.length);
}

async function badPictures(dataset: Dataset, { strict }: Flags): Promise<BadPicture[]> {
  const status = new StatusLine();
  const onProgress = (done: number, of: number) =>
    status.show(`${bar(done / of)} ${count(done)} of ${count(of)} pictures tried`);
  try {
    return await findBadPictures(dataset, { strict, onProgress });
  } finally {
    status.clear();
  }
}

function descriptionOf(dataset: Dataset) {
  const { spec, name, classes, channels, size, mean, std, notes, train, test } = dataset;
  const images = { train: train.length, test: test.length };
  const perClass = {
    train: perClassCounts(train, classes.length),
    test: perClassCounts(test, classes.length),
  };
  return { spec, name, images, size, channels, classes, perClass, mean, std, notes };
}

function perClassCounts(split: Split, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < split.length; i++) counts[split.label(i)]++;
  return counts;
}

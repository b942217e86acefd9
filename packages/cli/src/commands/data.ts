import { type Dataset, openDataset, type Split } from "@onebit/train/data";
import type { Command } from "commander";
import { contactSheet } from "../contact-sheet.js";
import { writeOutput } from "../output-file.js";
import { count, table, terminalOutput } from "../terminal.js";

interface Flags {
  readonly preview?: string;
  readonly json?: boolean;
}

export function registerData(program: Command): void {
  program
    .command("data <spec>")
    .description("describe and check a data set: glyphs, idx:DIR, cifar:DIR or folder:DIR")
    .option("--preview <file.png>", "write a sheet of training pictures, one row per class")
    .option("--json", "one JSON document")
    .action(describe);
}

async function describe(spec: string, flags: Flags): Promise<void> {
  const out = terminalOutput(flags);
  const dataset = await openDataset(spec);
  if (flags.preview) await writeOutput(flags.preview, await contactSheet(dataset));
  const description = descriptionOf(dataset);
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
  for (const note of dataset.notes) out.note(note);
  if (flags.preview) out.note(`wrote ${flags.preview}`);
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

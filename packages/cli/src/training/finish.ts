import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type RunRecord, readRun, recipes, type TrainResult } from "@onebit/train";
import type { Dataset, Split } from "@onebit/train/data";
import { evaluateFile, openFloatModel } from "@onebit/train/subjects";
import { counted, onebitCommand } from "onebit/words";
import { writeOutput } from "../output-file.js";
import { packModel } from "../packing.js";
import { bytes, count, type Output, percent, shown } from "../terminal.js";
import { likelyRange } from "./likely-range.js";

/** The packed network of a run. */
export interface PackedRun {
  readonly path: string;
  readonly bytes: number;
  /** Of it, on the test images; of the float network, where these are many. */
  readonly top1: number;
}

/** Of so many images and more the float network's accuracy is taken: it is the same. */
const MOST_EVALUATED = 2000;

/** Writes RUN/model.onebit, tries it on the test images, and says how to use it. */
export async function packRun(result: TrainResult, out: Output): Promise<PackedRun> {
  const path = join(result.out, "model.onebit");
  const { file } = await packModel(await openFloatModel(result.out));
  await writeOutput(path, file);
  const top1 = await packedAccuracy(path, result);
  const { classes } = result.dataset;
  const test = lastTest(result.dataset);
  const names = classes.slice(0, 5).map(shown).join(", ");
  const more = classes.length > 5 ? ` and ${count(classes.length - 5)} more` : "";
  out.line(`\n${accuracyLine(top1, test.length)}`);
  out.line(`${path}: ${bytes(file.length)}, classes ${names}${more}`);
  const picture = test.portable?.kind === "files" ? test.source(0) : "photo.jpg";
  out.line(`Try it: ${onebitCommand("run", path, picture)}`);
  return { path, bytes: file.length, top1 };
}

/** Of fewer training images a training learns too little of what outlines are. */
const FEW = 500;

/** What helps small folders, where a training had none of it: the network of `quickstart`, if it fits. */
export async function startHint({ out, dataset }: TrainResult): Promise<string[]> {
  const record = await readRun(out);
  const isSmall = record.recipe.name === "photographs" && dataset.train.length < FEW;
  if (!isSmall || record.init !== null || !isQuickstarts(record)) return [];
  return [
    `Few pictures? ${onebitCommand("quickstart")}, then the same training with --init runs/quickstart`,
  ];
}

/** Whether a run's network is that of `quickstart`, but for classes and size: a 1-bit one, in colour. */
function isQuickstarts({ model }: RunRecord): boolean {
  if ("graph" in model) return false;
  const { classes: _, input, form, ...switches } = model.options;
  const { quickstart } = recipes;
  const isSame =
    model.name === quickstart.model && isDeepStrictEqual(switches, quickstart.switches);
  return isSame && form === "binary" && input?.[0] === 3;
}

async function packedAccuracy(path: string, result: TrainResult): Promise<number> {
  const { dataset, best, test: final = best } = result;
  const test = lastTest(dataset);
  if (test.length > MOST_EVALUATED) return final.top1;
  return (await evaluateFile(path, { ...dataset, test }, 1)).top1;
}

/** Not the images that were held back from training. */
const lastTest = ({ test, finalTest = test }: Dataset): Split => finalTest;

function accuracyLine(top1: number, images: number): string {
  const right = Math.round(top1 * images);
  const line = `${count(right)} of ${counted(images, "test image")} right: ${percent(top1, 1)}`;
  const [low, high] = likelyRange(right, images);
  if (high - low < 0.05) return line;
  return `${line} (so few images tell that it lies between ${percent(low, 0)} and ${percent(high, 0)})`;
}

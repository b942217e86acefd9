import {
  dryRun,
  type Recipe,
  recipes,
  type TrainEvent,
  type TrainOptions,
  train as trainNetwork,
} from "@onebit/train";
import { onebitCommand } from "onebit/words";
import { trainedArchitectureFlags } from "../flags/architecture.js";
import { trainingBackend } from "../flags/backend.js";
import { batch } from "../flags/batch.js";
import { command } from "../flags/command.js";
import { data } from "../flags/data.js";
import { epochs } from "../flags/epochs.js";
import { flag } from "../flags/flag.js";
import { freeze, rate } from "../flags/freeze.js";
import { json, jsonl } from "../flags/json.js";
import { moments } from "../flags/moments.js";
import { observe } from "../flags/observe.js";
import { out } from "../flags/out.js";
import { wholeNumber, words } from "../flags/readers.js";
import { resume } from "../flags/resume.js";
import { seed } from "../flags/seed.js";
import { set } from "../flags/set.js";
import { teacher } from "../flags/teacher.js";
import { threads } from "../flags/threads.js";
import { validation } from "../flags/validation.js";
import { abortOnInterrupt } from "../interrupt.js";
import { type Output, terminalOutput } from "../terminal.js";
import { TrainingDisplay } from "../training/display.js";
import { printDryRun } from "../training/dry-run.js";
import { packRun, startHint } from "../training/finish.js";
import { trainingRequest } from "../training/request.js";

const overwrite = flag("--overwrite", "replace the run in --out");
const resumed = resume
  .means("go on with the run in --out; all else is as it was begun")
  .excludes(overwrite);

const jsonlEvents = jsonl.means("one line of JSON per event");

const flags = [
  data,
  flag("--model <arch>", "architecture", words).otherwise("that of --init, or the recipe's"),
  flag(
    "--init <file>",
    "start from these weights; classifier rows by class names, new ones for new classes",
    words,
  ),
  moments
    .means(
      "with --init: go on with what the optimiser kept, of a run or as `import --moments` wrote it",
    )
    .excludes(resumed, "which has its own"),
  teacher
    .means(
      "learn from this network: .onnx (of one that does not say it: 'net.onnx?mean=0.5&std=0.5'), float model, run or packed; may be repeated",
    )
    .repeated(),
  flag(
    "--assistant <file>",
    "teach an equal part of the epochs each, in this order; may be repeated",
    words,
  ).repeated(),
  flag(
    "--teacher-views <n>",
    "show each image in so many views, in turns, and ask teachers about them once",
    wholeNumber,
  ).otherwise("new ones in every epoch"),
  flag("--teacher-cache <dir>", "where what teachers said of views is kept", words).otherwise(
    "teacher-views beside the run",
  ),
  out.otherwise("runs/<recipe>"),
  resumed,
  overwrite,
  flag("--skip-bad", "first try every picture, and leave out those that cannot be decoded"),
  validation,
  flag(
    "--dry-run",
    "write nothing: print recipe, stages, teachers and memory, take three steps, tell how long all would take",
  )
    .excludes(resumed, "whose run.json and first steps say what it is and takes")
    .excludes(jsonlEvents, "there are no events"),
  seed.means("of initialisation, shuffling and augmentation").otherwise("0"),
  trainingBackend,
  threads.means("threads of ONNX Runtime").otherwise("all cores"),
  epochs.means("shorthand for --set epochs=n"),
  batch.means("images per optimiser step: shorthand for --set batch=n"),
  freeze,
  rate,
  set,
  observe.otherwise("never"),
  flag("--tensorboard <dir>", "folder for an event file of TensorBoard", words),
  json.means("one JSON document at the end"),
  jsonlEvents,
  ...trainedArchitectureFlags,
] as const;

export const train = command({
  name: "train",
  arguments: ["[recipe]"],
  about: "train a network on ONNX Runtime; Ctrl-C stops, --resume goes on",
  flags,
  more: `Recipes (default: photographs for folder:DIR, else plain):\n${recipeList()}`,
  async run([name], flags) {
    const out = terminalOutput(flags);
    const { recipe, options } = await trainingRequest(name, flags);
    if (flags.dryRun) return tellDryRun(recipe, options, out);
    const display = new TrainingDisplay(out);
    const interrupt = abortOnInterrupt();
    try {
      const result = await trainNetwork(recipe, {
        ...options,
        signal: interrupt.signal,
        onEvent: (event: TrainEvent) => display.show(event),
      });
      const {
        epochs,
        best,
        test,
        out: written,
        bestModel,
        seconds,
        imagesPerSecond,
        waiting,
      } = result;
      const packed = recipe.form === "binary" ? await packRun(result, out) : undefined;
      const times = { seconds, imagesPerSecond, waiting };
      out.result({ epochs, best, test, out: written, bestModel, ...times, packed });
      for (const hint of await startHint(result)) out.line(hint);
      if (packed) return;
      const pack = onebitCommand("pack", written, "-o", "model.onebit");
      out.line(`\nPack it: ${pack}`);
    } finally {
      display.end();
      interrupt.dispose();
    }
  },
});

async function tellDryRun(recipe: Recipe, options: TrainOptions, out: Output): Promise<void> {
  const interrupt = abortOnInterrupt();
  try {
    const run = await dryRun(recipe, { ...options, signal: interrupt.signal });
    out.result(run);
    printDryRun(run, out);
  } finally {
    interrupt.dispose();
  }
}

function recipeList(): string {
  const entries = Object.values(recipes);
  const width = Math.max(...entries.map(({ name }) => name.length));
  return entries
    .map(({ name, description }) => `  ${name.padEnd(width)}  ${description}`)
    .join("\n");
}

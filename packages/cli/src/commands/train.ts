import {
  type ModelChoice,
  parseOverrides,
  type Recipe,
  recipes,
  resolveRecipe,
  type TrainEvent,
  train as trainNetwork,
} from "@onebit/train";
import { architectureOptions, trainedArchitectureFlags } from "../flags/architecture.js";
import { batch } from "../flags/batch.js";
import { command } from "../flags/command.js";
import { data } from "../flags/data.js";
import { epochs } from "../flags/epochs.js";
import { type FlagValues, flag } from "../flags/flag.js";
import { json, jsonl } from "../flags/json.js";
import { out } from "../flags/out.js";
import { words } from "../flags/readers.js";
import { seed } from "../flags/seed.js";
import { threads } from "../flags/threads.js";
import { abortOnInterrupt } from "../interrupt.js";
import { shellCommand } from "../shell.js";
import { terminalOutput } from "../terminal.js";
import { TrainingDisplay } from "../training-display.js";

const flags = [
  data.required(),
  flag("--model <arch>", "architecture", words).otherwise("the recipe's"),
  flag(
    "--init <file>",
    "start from these weights; classifier rows by class names, new ones for new classes",
    words,
  ),
  out.otherwise("runs/<recipe>"),
  flag("--resume", "go on where the run in --out stopped, with the same values"),
  flag("--overwrite", "replace the run in --out"),
  flag("--skip-bad", "first try every picture, and leave out those that cannot be decoded"),
  seed.means("of initialisation, shuffling and augmentation").otherwise("0"),
  threads.means("threads of ONNX Runtime").otherwise("all cores"),
  epochs.means("shorthand for --set epochs=n"),
  batch.means("images per optimiser step: shorthand for --set batch=n"),
  flag("--set <field=value>", "override a field of the recipe; may be repeated", words).repeated(),
  json.means("one JSON document at the end"),
  jsonl.means("one line of JSON per event"),
  ...trainedArchitectureFlags,
] as const;

type Flags = FlagValues<typeof flags>;

export const train = command({
  name: "train",
  arguments: ["[recipe]"],
  about: "train a network on ONNX Runtime; Ctrl-C stops, --resume goes on",
  flags,
  more: `Recipes (default: plain):\n${recipeList()}`,
  async run([name = "plain"], flags) {
    const out = terminalOutput(flags);
    const recipe = recipeFrom(name, flags);
    const display = new TrainingDisplay(out);
    const interrupt = abortOnInterrupt();
    const { data, init, resume, overwrite, skipBad, seed, threads } = flags;
    try {
      const result = await trainNetwork(recipe, {
        model: modelFrom(recipe, flags),
        out: flags.out ?? `runs/${recipe.name}`,
        ...{ data, init, resume, overwrite, skipBad, seed, threads },
        signal: interrupt.signal,
        onEvent: (event: TrainEvent) => display.show(event),
      });
      const { epochs, best, out: written, bestModel, seconds, imagesPerSecond } = result;
      out.result({ epochs, best, out: written, bestModel, seconds, imagesPerSecond });
      out.line(`\nPack it: ${shellCommand("onebit", "pack", written, "-o", "model.onebit")}`);
    } finally {
      display.end();
      interrupt.dispose();
    }
  },
});

function recipeList(): string {
  const entries = Object.values(recipes);
  const width = Math.max(...entries.map(({ name }) => name.length));
  return entries
    .map(({ name, description }) => `  ${name.padEnd(width)}  ${description}`)
    .join("\n");
}

function recipeFrom(name: string, flags: Flags): Recipe {
  const usual = resolveRecipe(name);
  const short = [
    ...(flags.epochs === undefined ? [] : [`epochs=${flags.epochs}`]),
    ...(flags.batch === undefined ? [] : batchOverrides(flags.batch, usual)),
    ...(flags.form === undefined ? [] : [`form=${flags.form}`]),
  ];
  return resolveRecipe(name, parseOverrides([...short, ...(flags.set ?? [])]));
}

/** A batch that the recipe's micro-batches do not fill is computed at once. */
function batchOverrides(batch: number, { microBatch }: Recipe): string[] {
  const fits = microBatch === null || batch % microBatch === 0;
  return fits ? [`batch=${batch}`] : [`batch=${batch}`, "microBatch=null"];
}

/** Another architecture than the recipe's has nothing of the recipe's switches. */
function modelFrom(recipe: Recipe, flags: Flags): ModelChoice {
  const { form: _, ...own } = architectureOptions(flags);
  const given = Object.entries(own).filter(([, value]) => value !== undefined);
  const usual = flags.model === undefined ? recipe.switches : {};
  return { name: flags.model ?? recipe.model, ...usual, ...Object.fromEntries(given) };
}

import {
  type ModelChoice,
  parseOverrides,
  type Recipe,
  recipes,
  resolveRecipe,
  type TrainEvent,
  train,
} from "@onebit/train";
import { type Command, Option } from "commander";
import { UsageError } from "onebit";
import {
  type ArchitectureFlags,
  addTrainedArchitectureOptions,
  architectureOptions,
  wholeNumber,
} from "../architecture.js";
import { abortOnInterrupt } from "../interrupt.js";
import { shellCommand } from "../shell.js";
import { terminalOutput } from "../terminal.js";
import { TrainingDisplay } from "../training-display.js";

interface Flags extends ArchitectureFlags {
  readonly data: string;
  readonly model?: string;
  readonly out?: string;
  readonly init?: string;
  readonly resume?: boolean;
  readonly overwrite?: boolean;
  readonly skipBad?: boolean;
  readonly seed?: string;
  readonly threads?: string;
  readonly epochs?: string;
  readonly batch?: string;
  readonly set?: string[];
  readonly json?: boolean;
  readonly jsonl?: boolean;
}

export function registerTrain(program: Command): void {
  const command = program
    .command("train [recipe]")
    .description("train a network on ONNX Runtime; Ctrl-C stops, --resume goes on")
    .requiredOption("--data <spec>", "glyphs, idx:DIR, cifar:DIR or folder:DIR")
    .option("--model <arch>", "architecture (default: the recipe's)")
    .option(
      "--init <file>",
      "start from these weights; classifier rows by class names, new ones for new classes",
    )
    .option("--out <dir>", "run folder (default: runs/<recipe>)")
    .option("--resume", "go on where the run in --out stopped, with the same values")
    .option("--overwrite", "replace the run in --out")
    .option("--skip-bad", "first try every picture, and leave out those that cannot be decoded")
    .option("--seed <n>", "of initialisation, shuffling and augmentation (default 0)")
    .option("--threads <n>", "threads of ONNX Runtime (default: all cores)")
    .option("--epochs <n>", "shorthand for --set epochs=n")
    .option("--batch <n>", "images per optimiser step: shorthand for --set batch=n")
    .option("--set <field=value>", "override a field of the recipe; may be repeated", collect)
    .addOption(new Option("--json", "one JSON document at the end").conflicts("jsonl"))
    .option("--jsonl", "one line per event")
    .action(run);
  addTrainedArchitectureOptions(command);
  command.addHelpText("after", `\nRecipes (default: plain):\n${recipeList()}`);
}

function recipeList(): string {
  const entries = Object.values(recipes);
  const width = Math.max(...entries.map(({ name }) => name.length));
  return entries
    .map(({ name, description }) => `  ${name.padEnd(width)}  ${description}`)
    .join("\n");
}

function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}

async function run(name = "plain", flags: Flags): Promise<void> {
  const out = terminalOutput(flags);
  const recipe = recipeFrom(name, flags);
  const folder = flags.out ?? `runs/${recipe.name}`;
  const display = new TrainingDisplay(out);
  const interrupt = abortOnInterrupt();
  try {
    const result = await train(recipe, {
      model: modelFrom(recipe, flags),
      data: flags.data,
      out: folder,
      init: flags.init,
      resume: flags.resume,
      overwrite: flags.overwrite,
      skipBad: flags.skipBad,
      seed: flags.seed === undefined ? undefined : seedOf(flags.seed),
      threads: wholeNumber("--threads", flags.threads),
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
function batchOverrides(batch: string, { microBatch }: Recipe): string[] {
  const fits = microBatch === null || Number(batch) % microBatch === 0;
  return fits ? [`batch=${batch}`] : [`batch=${batch}`, "microBatch=null"];
}

/** Another architecture than the recipe's has nothing of the recipe's switches. */
function modelFrom(recipe: Recipe, flags: Flags): ModelChoice {
  const { classes, form: _, ...own } = architectureOptions(flags);
  if (classes !== undefined) throw new UsageError("--classes: training takes them from the data");
  const given = Object.entries(own).filter(([, value]) => value !== undefined);
  const usual = flags.model === undefined ? recipe.switches : {};
  return { name: flags.model ?? recipe.model, ...usual, ...Object.fromEntries(given) };
}

function seedOf(text: string): number {
  const seed = Number(text);
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw new UsageError(`--seed ${text}: a whole number from 0 is wanted`);
}

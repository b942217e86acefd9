import { readdir, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { decodeImageFile, IMAGE_EXTENSIONS } from "@onebit/train/data";
import { type Command, Option } from "commander";
import { load, type Model, OnebitError, type Prediction, UsageError } from "onebit";
import { wholeNumber } from "../architecture.js";
import { backendChoice, threadsOf } from "../backends.js";
import { isPacked } from "../models-on-disk.js";
import { readNpy, writeNpy } from "../npy.js";
import { type Output, percent, terminalOutput } from "../terminal.js";

interface Flags {
  readonly top: string;
  readonly backend: string;
  readonly threads?: string;
  readonly input?: string;
  readonly output?: string;
  readonly json?: boolean;
  readonly jsonl?: boolean;
}

interface Item {
  readonly input: string;
  readonly top: readonly Prediction[];
  readonly milliseconds: number;
}

export function registerRun(program: Command): void {
  program
    .command("run <file> [inputs...]")
    .description("classify photographs (jpg, png, webp, avif, folders), or run a .npy tensor")
    .option("--top <k>", "how many classes to name", "5")
    .option("--backend <name>", "auto, reference or wasm", "auto")
    .option("--threads <n>", "threads, where the backend has several (default 1)")
    .option("--input <x.npy>", "normalised images [N, C, H, W] instead of photographs")
    .option("--output <y.npy>", "where to write their logits [N, classes]")
    .addOption(new Option("--json", "one JSON document").conflicts("jsonl"))
    .option("--jsonl", "one line per image")
    .action(run);
}

async function run(file: string, inputs: readonly string[], flags: Flags): Promise<void> {
  const out = terminalOutput(flags);
  checkUsage(file, inputs, flags);
  const options = { backend: backendChoice(flags.backend), threads: threadsOf(flags.threads) };
  using model = await load(file, options);
  if (flags.input) return await runTensor(model, flags.input, flags.output!, out);
  const top = wholeNumber("--top", flags.top)!;
  const items: Item[] = [];
  for (const path of await photographs(inputs)) {
    const image = await decodeImageFile(path);
    const start = performance.now();
    const predictions = await named(path, () => model.classify(image, { top }));
    const item = { input: path, top: predictions, milliseconds: performance.now() - start };
    items.push(item);
    out.item(item);
    printItem(out, item);
  }
  out.result(items);
}

function checkUsage(file: string, inputs: readonly string[], flags: Flags): void {
  if (!isPacked(file)) {
    throw new UsageError(
      `${file}: run takes a packed network; make one: onebit pack ${file} -o model.onebit`,
    );
  }
  if (Boolean(flags.input) !== Boolean(flags.output)) {
    throw new UsageError("--input and --output go together: x.npy in, y.npy out");
  }
  if (flags.input && inputs.length) {
    throw new UsageError("give either photographs or --input x.npy, not both");
  }
  if (!flags.input && !inputs.length) {
    throw new UsageError(
      "nothing to classify: name photographs or folders, or --input x.npy --output y.npy",
    );
  }
}

async function runTensor(model: Model, from: string, to: string, out: Output): Promise<void> {
  const input = await readNpy(from);
  const start = performance.now();
  const { logits } = await named(from, () => model.run(input));
  const milliseconds = performance.now() - start;
  await writeNpy(to, logits);
  out.result({ input: from, output: to, shape: logits.shape, milliseconds });
  out.line(`wrote ${to}: logits [${logits.shape.join(", ")}]`);
}

/** Files as they are, folders as the pictures in them (sorted, not deeper). */
async function photographs(inputs: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const input of inputs) {
    const info = await stat(input).catch(() => undefined);
    if (!info) throw new UsageError(`${input}: no such file or folder`);
    if (!info.isDirectory()) {
      found.push(input);
      continue;
    }
    const names = (await readdir(input)).filter((name) =>
      IMAGE_EXTENSIONS.includes(extname(name).toLowerCase()),
    );
    if (!names.length) {
      throw new OnebitError(`${input}: no pictures in it (${IMAGE_EXTENSIONS.join(", ")})`);
    }
    found.push(...names.sort().map((name) => join(input, name)));
  }
  return found;
}

/** Says which input an error is about. */
async function named<T>(input: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof OnebitError) throw new OnebitError(`${input}: ${error.message}`);
    throw error;
  }
}

function printItem(out: Output, { input, top, milliseconds }: Item): void {
  out.line(`${input}  (${milliseconds.toFixed(1)} ms)`);
  for (const { label, probability } of top) {
    out.line(`  ${percent(probability, 1).padStart(7)}  ${label}`);
  }
}

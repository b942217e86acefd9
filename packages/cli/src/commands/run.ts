import { type BadPicture, badPicture, decodeImageFile } from "@onebit/train/data";
import { type Command, Option } from "commander";
import { type FloatTensor, OnebitError, type Prediction, topPredictions, UsageError } from "onebit";
import type { Preprocess } from "onebit/image";
import { wholeNumber } from "../architecture.js";
import {
  addPackedOptions,
  type BudgetFlags,
  backendChoice,
  budgetOf,
  mapsOf,
  threadsOf,
} from "../backends.js";
import { reportBad, STRICT_HELP } from "../bad-pictures.js";
import { type Classifier, openClassifier, prepared, preprocessOf } from "../classifier.js";
import { type NpyArray, writeNpy } from "../npy.js";
import { checkNpyImages, readNpyImages } from "../npy-images.js";
import { addOnnxOptions, type OnnxFlags } from "../onnx-file.js";
import { refuseSameFile } from "../output-file.js";
import { photographs } from "../photographs.js";
import { addPreprocessOptions } from "../preprocess-flags.js";
import { type Output, percent, shown, terminalOutput } from "../terminal.js";

interface Flags extends OnnxFlags, BudgetFlags {
  readonly top: string;
  readonly backend: string;
  readonly threads?: string;
  readonly maps?: string;
  readonly input?: string;
  readonly output?: string;
  readonly strict?: boolean;
  readonly json?: boolean;
  readonly jsonl?: boolean;
}

interface Item {
  readonly input: string;
  /** Empty for a picture that cannot be used; `error` says why. */
  readonly top: readonly Prediction[];
  readonly milliseconds: number;
  readonly error?: string;
}

export function registerRun(program: Command): void {
  const command = addPackedOptions(
    program
      .command("run <file> [inputs...]")
      .description(
        "classify photographs (jpg, png, webp, avif, gif, tiff, folders), or run a .npy tensor, with a packed network or an .onnx model",
      )
      .option("--top <k>", "how many classes to name", "5")
      .option("--backend <name>", "auto, native, wasm or reference", "auto")
      .option("--threads <n>", "threads, where the backend has several (default 1)"),
  )
    .option(
      "--input <x.npy>",
      "normalised images [N, C, H, W] of any size that fits, instead of photographs",
    )
    .option("--output <y.npy>", "where to write their logits [N, classes]; - is standard output")
    .option("--strict", STRICT_HELP)
    .addOption(new Option("--json", "one JSON document").conflicts("jsonl"))
    .option("--jsonl", "one line per image")
    .action(run)
    .optionsGroup("Of an .onnx model, where it does not say so itself:");
  addOnnxOptions(addPreprocessOptions(command));
}

async function run(file: string, inputs: readonly string[], flags: Flags): Promise<void> {
  const out = terminalOutput(flags);
  checkUsage(inputs, flags);
  const backend = backendChoice(flags.backend);
  const threads = threadsOf(flags.threads);
  const top = wholeNumber("--top", flags.top)!;
  const tensor = flags.input === undefined ? undefined : await readNpyImages(flags.input, file);
  const size = tensor && ([tensor.shape[2], tensor.shape[3]] as const);
  const maps = mapsOf(flags.maps);
  const classifier = await openClassifier(file, {
    ...{ backend, threads, flags, size, maps },
    budget: budgetOf(flags),
  });
  try {
    for (const note of classifier.notes) out.note(`note: ${note}`);
    if (tensor) return await runTensor(classifier, tensor, flags, out);
    await runPictures(classifier, inputs, { top, strict: flags.strict }, out);
  } finally {
    await classifier.dispose();
  }
}

async function runPictures(
  classifier: Classifier,
  inputs: readonly string[],
  { top, strict }: { readonly top: number; readonly strict?: boolean },
  out: Output,
): Promise<void> {
  const how = preprocessOf(classifier);
  const items: Item[] = [];
  const bad: BadPicture[] = [];
  for (const path of await photographs(inputs)) {
    const input = await preparedFile(path, how).catch((error: Error) => {
      if (strict || !(error instanceof OnebitError)) throw error;
      return badPicture(path, error);
    });
    const isBad = "reason" in input;
    if (isBad) bad.push(input);
    const item = isBad
      ? { input: path, top: [], milliseconds: 0, error: input.reason }
      : await classified(classifier, input, top);
    items.push(item);
    out.item(item);
    if (!isBad) printItem(out, item);
  }
  out.result(items);
  reportBad(out, bad, items.length);
}

interface Input {
  readonly path: string;
  readonly images: FloatTensor;
  /** When its preparation began. */
  readonly start: number;
}

async function preparedFile(path: string, how: Preprocess): Promise<Input> {
  const image = await decodeImageFile(path);
  const start = performance.now();
  return { path, start, images: await named(path, async () => prepared(image, how)) };
}

async function classified(
  classifier: Classifier,
  { path, images, start }: Input,
  top: number,
): Promise<Item> {
  const { logits } = await named(path, () => classifier.run(images));
  const predictions = topPredictions(logits.data, top, classifier.info.labels);
  return { input: path, top: predictions, milliseconds: performance.now() - start };
}

function checkUsage(inputs: readonly string[], flags: Flags): void {
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

async function runTensor(
  classifier: Classifier,
  images: NpyArray,
  { input, output }: Flags,
  out: Output,
): Promise<void> {
  refuseSameFile(input!, output!);
  for (const note of checkNpyImages(input!, images, classifier.info)) out.note(`note: ${note}`);
  const start = performance.now();
  const { logits } = await named(input!, () => classifier.run(images));
  const milliseconds = performance.now() - start;
  await writeNpy(output!, logits);
  out.result({ input, output, shape: logits.shape, milliseconds });
  out.line(`wrote ${output}: logits [${logits.shape.join(", ")}]`);
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
  out.line(`${shown(input)}  (${milliseconds.toFixed(1)} ms)`);
  for (const { label, probability } of top) {
    out.line(`  ${percent(probability, 1).padStart(7)}  ${shown(label)}`);
  }
}

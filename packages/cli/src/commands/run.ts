import { type BadPicture, badPicture } from "@onebit/train/data";
import { type FloatTensor, OnebitError, type Prediction, topPredictions, UsageError } from "onebit";
import type { Preprocess } from "onebit/image";
import { decodeImage } from "onebit/images";
import { reportBad } from "../bad-pictures.js";
import { type Classifier, openClassifier, prepared, preprocessOf } from "../classifier.js";
import { backend } from "../flags/backend.js";
import { budgetFlags, budgetOf } from "../flags/budget.js";
import { command } from "../flags/command.js";
import { flag } from "../flags/flag.js";
import { input } from "../flags/input.js";
import { json, jsonl } from "../flags/json.js";
import { maps } from "../flags/maps.js";
import { onnxFlags } from "../flags/onnx.js";
import { output } from "../flags/output.js";
import { wholeNumber } from "../flags/readers.js";
import { strict } from "../flags/strict.js";
import { threads } from "../flags/threads.js";
import { modelKind } from "../model-kind.js";
import { type NpyArray, writeNpy } from "../npy.js";
import { checkNpyImages, readNpyImages } from "../npy-images.js";
import { refuseSameFile } from "../output-file.js";
import { photographs } from "../photographs.js";
import { type Output, percent, shown, terminalOutput } from "../terminal.js";

const FILES = "x.npy in, y.npy out";

export const run = command({
  name: "run",
  arguments: ["<file>", "[inputs...]"],
  about:
    "classify photographs (jpg, png, webp, avif, gif, tiff, folders), or run a .npy tensor, with a packed network or an .onnx model",
  flags: [
    flag("--top <k>", "how many classes to name", wholeNumber).byDefault(5).excludes(input),
    backend,
    threads.means("threads, where the backend has several").byDefault(1),
    maps,
    ...budgetFlags,
    input
      .means("normalised images [N, C, H, W] of any size that fits, instead of photographs")
      .needs(output, FILES),
    output
      .means("where to write their logits [N, classes] as .npy; - is standard output")
      .needs(input, FILES),
    strict.excludes(input),
    json,
    jsonl.excludes(input, "it writes one file"),
    ...onnxFlags,
  ],
  async run([file, inputs], flags, given) {
    const out = terminalOutput(flags);
    checkInputs(inputs, flags.input);
    given.checkScope({ path: file, kind: await modelKind(file, "runnable") });
    const { backend, threads, maps, top, strict } = flags;
    const tensor = flags.input === undefined ? undefined : await readNpyImages(flags.input, file);
    const size = tensor && ([tensor.shape[2], tensor.shape[3]] as const);
    const classifier = await openClassifier(file, {
      ...{ backend, threads, flags, size, maps },
      budget: budgetOf(flags),
    });
    try {
      for (const note of classifier.notes) out.note(`note: ${note}`);
      if (tensor) {
        const files = { input: flags.input!, output: flags.output! };
        return await runTensor(classifier, tensor, files, out);
      }
      await runPictures(classifier, inputs, { top, strict }, out);
    } finally {
      await classifier.dispose();
    }
  },
});

interface Item {
  readonly input: string;
  /** Empty for a picture that cannot be used; `error` says why. */
  readonly top: readonly Prediction[];
  readonly milliseconds: number;
  readonly error?: string;
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
      if (strict) throw error;
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
  const image = await decodeImage(path);
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

function checkInputs(inputs: readonly string[], tensor: string | undefined): void {
  if (tensor !== undefined && inputs.length) {
    throw new UsageError("give either photographs or --input x.npy, not both");
  }
  if (tensor === undefined && !inputs.length) {
    throw new UsageError(
      "nothing to classify: name photographs or folders, or --input x.npy --output y.npy",
    );
  }
}

async function runTensor(
  classifier: Classifier,
  images: NpyArray,
  { input, output }: { readonly input: string; readonly output: string },
  out: Output,
): Promise<void> {
  refuseSameFile(input, output);
  for (const note of checkNpyImages(input, images, classifier.info)) out.note(`note: ${note}`);
  const start = performance.now();
  const { logits } = await named(input, () => classifier.run(images));
  const milliseconds = performance.now() - start;
  await writeNpy(output, logits);
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

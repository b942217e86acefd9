import { type Dataset, openDataset } from "@onebit/train/data";
import type { Command } from "commander";
import { UsageError } from "onebit";
import { wholeNumber } from "../architecture.js";
import {
  addPackedOptions,
  type BudgetFlags,
  backendChoice,
  budgetOf,
  mapsOf,
  threadsOf,
} from "../backends.js";
import { listBad, reportBad, STRICT_HELP } from "../bad-pictures.js";
import { type ClassifierOptions, openClassifier } from "../classifier.js";
import { type EvaluationResult, evaluateClassifier, evaluateFloatModel } from "../evaluation.js";
import { type ModelKind, modelKind } from "../model-kind.js";
import { openFloatModel } from "../models-on-disk.js";
import { addOnnxOptions, type OnnxFlags, refuseOnnxFlags } from "../onnx-file.js";
import { addPreprocessOptions } from "../preprocess-flags.js";
import { bar, StatusLine } from "../progress.js";
import { count, type Output, percent, table, terminalOutput, threadCount } from "../terminal.js";

interface Flags extends OnnxFlags, BudgetFlags {
  readonly data: string;
  readonly backend: string;
  readonly threads?: string;
  readonly maps?: string;
  readonly limit?: string;
  readonly strict?: boolean;
  readonly json?: boolean;
}

export function registerEval(program: Command): void {
  const command = addPackedOptions(
    program
      .command("eval <file>")
      .description(
        "top-1, top-5, loss and confusion of a packed network, float model, run or .onnx model on test images",
      )
      .requiredOption("--data <spec>", "glyphs, idx:DIR, cifar:DIR or folder:DIR")
      .option("--backend <name>", "of a packed network: auto, native, wasm or reference", "auto")
      .option("--threads <n>", "threads, where the backend has several (default 1)"),
  )
    .option("--limit <n>", "only so many test images, chosen by seed 0")
    .option("--strict", STRICT_HELP)
    .option("--json", "one JSON document, with the confusion matrix")
    .action(run)
    .optionsGroup("Of an .onnx model, where it does not say so itself:");
  addOnnxOptions(addPreprocessOptions(command));
}

async function run(file: string, flags: Flags): Promise<void> {
  const out = terminalOutput(flags);
  const backend = backendChoice(flags.backend);
  const threads = threadsOf(flags.threads);
  const testImages = wholeNumber("--limit", flags.limit);
  const kind = await modelKind(file, "network");
  if (kind !== "packed" && backend !== "auto") {
    throw new UsageError(`--backend ${backend}: ${onRuntime(kind)}`);
  }
  const maps = mapsOf(flags.maps);
  if (kind !== "packed" && maps) {
    throw new UsageError(`--maps ${maps}: ${onRuntime(kind)}`);
  }
  if (kind === "float") refuseOnnxFlags(file, flags);
  const dataset = await openDataset(flags.data, { testImages });
  for (const note of dataset.notes) out.note(`note: ${note}`);
  const result = await evaluateFile(
    { file, kind },
    dataset,
    { backend, threads, flags, maps, budget: budgetOf(flags), strict: flags.strict },
    out,
  );
  const { bad, images } = result;
  for (const note of result.notes) out.note(`note: ${note}`);
  if (images > 0) print(file, result, out);
  reportBad(out, bad, images + bad.length);
}

function print(file: string, result: EvaluationResult, out: Output): void {
  const { predictions: _, bad, ...printed } = result;
  out.result({ ...printed, bad: listBad(bad) });
  out.line(resultTable(file, result));
  const worst = mostConfused(result.confusion, result.classes);
  if (!worst.length) return;
  out.line();
  out.line(table(["most confused", "taken for", "times"], worst, ["left", "left", "right"]));
}

function onRuntime(kind: ModelKind): string {
  return kind === "onnx"
    ? "an .onnx model runs on ONNX Runtime: leave it out"
    : "a float model runs on ONNX Runtime; pack it first";
}

async function evaluateFile(
  { file, kind }: { readonly file: string; readonly kind: ModelKind },
  dataset: Dataset,
  { strict, ...how }: ClassifierOptions & Pick<Flags, "strict">,
  out: Output,
): Promise<EvaluationResult> {
  const status = new StatusLine();
  const onProgress = (done: number, of: number) =>
    status.show(`${bar(done / of)} ${count(done)} of ${count(of)} images`);
  const options = { threads: how.threads, onProgress, strict };
  try {
    if (kind === "float") {
      return await evaluateFloatModel(await openFloatModel(file), dataset, options);
    }
    const classifier = await openClassifier(file, how);
    for (const note of classifier.notes) out.note(`note: ${note}`);
    try {
      return await evaluateClassifier(classifier, dataset, options);
    } finally {
      await classifier.dispose();
    }
  } finally {
    status.clear();
  }
}

function resultTable(file: string, result: EvaluationResult): string {
  const rows = [
    ["images", count(result.images)],
    ["top-1", percent(result.top1)],
    ["top-5", percent(result.top5)],
    ["loss", result.loss.toFixed(4)],
    ["images per second, with reading", count(result.imagesPerSecond)],
    ["backend", `${result.backend}, ${threadCount(result.threads)}`],
  ];
  return table([file, ""], rows);
}

function mostConfused(
  confusion: readonly (readonly number[])[],
  classes: readonly string[],
): (string | number)[][] {
  return confusion
    .flatMap((row, truth) =>
      row.map((times, predicted) => ({ truth, predicted, times: truth === predicted ? 0 : times })),
    )
    .filter(({ times }) => times > 0)
    .sort((a, b) => b.times - a.times)
    .slice(0, 5)
    .map(({ truth, predicted, times }) => [classes[truth], classes[predicted], times]);
}

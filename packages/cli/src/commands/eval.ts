import { type Dataset, openDataset } from "@onebit/train/data";
import { listBad, reportBad } from "../bad-pictures.js";
import { type ClassifierOptions, openClassifier } from "../classifier.js";
import { type EvaluationResult, evaluateClassifier, evaluateFloatModel } from "../evaluation.js";
import { backend } from "../flags/backend.js";
import { budgetFlags, budgetOf } from "../flags/budget.js";
import { command } from "../flags/command.js";
import { data, limit } from "../flags/data.js";
import { json } from "../flags/json.js";
import { maps } from "../flags/maps.js";
import { onnxFlags } from "../flags/onnx.js";
import { strict } from "../flags/strict.js";
import { threads } from "../flags/threads.js";
import { type ModelKind, modelKind } from "../model-kind.js";
import { openFloatModel } from "../models-on-disk.js";
import { bar, StatusLine } from "../progress.js";
import { count, type Output, percent, table, terminalOutput, threadCount } from "../terminal.js";

export const evaluate = command({
  name: "eval",
  arguments: ["<file>"],
  about:
    "top-1, top-5, loss and confusion of a packed network, float model, run or .onnx model on test images",
  flags: [
    data.required(),
    backend,
    threads.means("threads, where the backend has several").byDefault(1),
    maps,
    ...budgetFlags,
    limit,
    strict,
    json.means("one JSON document, with the confusion matrix"),
    ...onnxFlags,
  ],
  async run([file], flags, given) {
    const out = terminalOutput(flags);
    const kind = await modelKind(file, "network");
    given.checkScope({ path: file, kind });
    const { backend, threads, maps, strict, limit: testImages } = flags;
    const dataset = await openDataset(flags.data, { testImages });
    for (const note of dataset.notes) out.note(`note: ${note}`);
    const result = await evaluateFile(
      { file, kind },
      dataset,
      { backend, threads, flags, maps, budget: budgetOf(flags), strict },
      out,
    );
    const { bad, images } = result;
    for (const note of result.notes) out.note(`note: ${note}`);
    if (images > 0) print(file, result, out);
    reportBad(out, bad, images + bad.length);
  },
});

function print(file: string, result: EvaluationResult, out: Output): void {
  const { predictions: _, bad, ...printed } = result;
  out.result({ ...printed, bad: listBad(bad) });
  out.line(resultTable(file, result));
  const worst = mostConfused(result.confusion, result.classes);
  if (!worst.length) return;
  out.line();
  out.line(table(["most confused", "taken for", "times"], worst, ["left", "left", "right"]));
}

async function evaluateFile(
  { file, kind }: { readonly file: string; readonly kind: ModelKind },
  dataset: Dataset,
  { strict, ...how }: ClassifierOptions & { readonly strict?: boolean },
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

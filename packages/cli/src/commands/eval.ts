import { openDataset } from "@onebit/train/data";
import {
  type EvaluationResult,
  evaluateSubject,
  type IntegerSubject,
  integerSubject,
  modelKind,
  openSubject,
  type Subject,
  type SubjectOptions,
} from "@onebit/train/subjects";
import { counted } from "onebit/words";
import { listBad, reportBad } from "../bad-pictures.js";
import { backend } from "../flags/backend.js";
import { budgetFlags, budgetOf } from "../flags/budget.js";
import { command } from "../flags/command.js";
import { data, limit } from "../flags/data.js";
import { calibrate, integer } from "../flags/integer.js";
import { json } from "../flags/json.js";
import { maps } from "../flags/maps.js";
import { onnxFlags, onnxSettings } from "../flags/onnx.js";
import { strict } from "../flags/strict.js";
import { threads } from "../flags/threads.js";
import { bar, StatusLine } from "../progress.js";
import { count, type Output, percent, table, terminalOutput } from "../terminal.js";

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
    integer.excludes(backend).excludes(threads).excludes(maps),
    calibrate,
    ...budgetFlags,
    limit,
    strict,
    json.means("one JSON document, with the confusion matrix"),
    ...onnxFlags,
  ],
  async run([file], flags, given) {
    const out = terminalOutput(flags);
    given.checkScope({ path: file, kind: await modelKind(file, "network") });
    const { strict, limit: testImages } = flags;
    const dataset = await openDataset(flags.data, { testImages });
    for (const note of dataset.notes) out.note(`note: ${note}`);
    const subject = flags.integer
      ? await integerSubject(file, await calibrationData(flags.calibrate))
      : await openAny(file, flags);
    try {
      for (const note of subject.notes) out.note(`note: ${note}`);
      const result = await withProgress((onProgress) =>
        evaluateSubject(subject, dataset, { strict, onProgress }),
      );
      const { bad, images } = result;
      for (const note of result.notes) out.note(`note: ${note}`);
      if (images > 0) print(subject, result, out);
      reportBad(out, bad, images + bad.length);
    } finally {
      await subject.dispose();
    }
  },
});

const calibrationData = async (spec: string | undefined) =>
  spec === undefined ? undefined : openDataset(spec);

type Flags = Parameters<typeof onnxSettings>[0] &
  Parameters<typeof budgetOf>[0] &
  Pick<SubjectOptions, "backend" | "threads" | "maps">;

async function openAny(file: string, flags: Flags): Promise<Subject> {
  const { backend, threads, maps } = flags;
  const budget = budgetOf(flags);
  const onnx = await onnxSettings(flags);
  return openSubject(file, { backend, threads, onnx, maps, budget });
}

async function withProgress<T>(
  work: (onProgress: (done: number, of: number) => void) => Promise<T>,
): Promise<T> {
  const status = new StatusLine();
  try {
    return await work((done, of) =>
      status.show(`${bar(done / of)} ${count(done)} of ${counted(of, "image")}`),
    );
  } finally {
    status.clear();
  }
}

function print(subject: Subject, result: EvaluationResult, out: Output): void {
  const { predictions: _, bad, ...printed } = result;
  const { arithmetic } = subject as Partial<IntegerSubject>;
  out.result({ ...printed, arithmetic, bad: listBad(bad) });
  out.line(resultTable(subject.path, result));
  const worst = mostConfused(result.confusion, result.classes);
  if (!worst.length) return;
  out.line();
  out.line(table(["most confused", "taken for", "times"], worst, ["left", "left", "right"]));
}

function resultTable(file: string, result: EvaluationResult): string {
  const rows = [
    ["images", count(result.images)],
    ["top-1", percent(result.top1)],
    ["top-5", percent(result.top5)],
    ["loss", result.loss.toFixed(4)],
    ["images per second, with reading", count(result.imagesPerSecond)],
    ["backend", `${result.backend}, ${counted(result.threads, "thread")}`],
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

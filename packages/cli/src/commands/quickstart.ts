import { availableParallelism } from "node:os";
import { join } from "node:path";
import { reportHtml, resolveRecipe, train } from "@onebit/train";
import { type Dataset, openDataset } from "@onebit/train/data";
import { evaluateFile, openFloatModel } from "@onebit/train/subjects";
import { load } from "onebit";
import { floatModelGraph } from "onebit/models";
import { benchInference } from "../bench/inference.js";
import { parsePeers } from "../bench/peers/index.js";
import { command } from "../flags/command.js";
import { epochs } from "../flags/epochs.js";
import type { FlagValues } from "../flags/flag.js";
import { json } from "../flags/json.js";
import { out } from "../flags/out.js";
import { threads } from "../flags/threads.js";
import { abortOnInterrupt } from "../interrupt.js";
import { writeOutput } from "../output-file.js";
import { packModel } from "../packing.js";
import { type QuickstartResult, quickstartReport, resultRows } from "../quickstart/report.js";
import { samplePictures } from "../quickstart/samples.js";
import { type Output, table, terminalOutput } from "../terminal.js";
import { TrainingDisplay } from "../training/display.js";

const flags = [
  out.means("where everything is written").byDefault("runs/quickstart"),
  threads.means("threads for training").otherwise("all cores"),
  epochs,
  json,
] as const;

type Flags = FlagValues<typeof flags>;

export const quickstart = command({
  name: "quickstart",
  arguments: [],
  about: "train a small BNext on generated characters, pack it, check it, measure it",
  flags,
  async run(_, flags) {
    const out = terminalOutput(flags);
    const result = await allSteps(flags, out);
    out.result({ ...result, history: undefined, samples: undefined });
    out.line();
    out.line(table(["quickstart", "", ""], resultRows(result), ["left", "right", "left"]));
    out.line(
      `\nLook at ${join(flags.out, "report.html")}; the packed network is ${result.packed.path}.`,
    );
  },
});

async function allSteps(flags: Flags, out: Output): Promise<QuickstartResult> {
  const { threads = availableParallelism(), epochs } = flags;
  const recipe = resolveRecipe("quickstart", { epochs });
  const dataset = await openDataset("glyphs");
  out.note("1/5  training a BNext on generated characters (glyphs)");
  const training = await trainIt(recipe, dataset, { ...flags, threads }, out);
  out.note("2/5  packing it to 1 bit");
  const model = await openFloatModel(flags.out);
  const packed = await packModel(model);
  const path = join(flags.out, "model.onebit");
  await writeOutput(path, packed.file);
  out.note("3/5  evaluating the float network in ONNX Runtime");
  const float = await evaluateFile(flags.out, dataset, threads);
  out.note("4/5  evaluating the packed network");
  using runnable = await load(packed.file, { threads: 1 });
  const bits = await evaluateFile(path, dataset, 1);
  out.note("5/5  measuring latency, one image, one thread");
  const graph = floatModelGraph(model);
  const subject = { name: path, packed: packed.file, graph, tensors: model.tensors };
  const peers = await parsePeers("onnxruntime");
  const how = { backends: ["auto"], threads: [1], batch: 1, peers } as const;
  const { results: latency } = await benchInference(subject, how);
  const result: QuickstartResult = {
    seconds: training.seconds,
    imagesPerSecond: training.imagesPerSecond,
    history: training.history,
    recipe,
    seed: 0,
    packed: { path, bytes: packed.file.length, ...shares(packed.summary) },
    float32Bytes: packed.summary.bytes.float32,
    float: accuracy(float),
    bits: accuracy(bits),
    agreement: agreementOf(float.predictions, bits.predictions),
    latency,
    samples: await samplePictures(dataset, runnable),
    confusion: { classes: dataset.classes, counts: bits.confusion },
    blocks: packed.summary.blocks,
  };
  const report = quickstartReport(result);
  await writeOutput(join(flags.out, "report.json"), JSON.stringify(report, null, 1));
  await writeOutput(join(flags.out, "report.html"), await reportHtml(report));
  return result;
}

async function trainIt(
  recipe: Parameters<typeof train>[0],
  data: Dataset,
  { out: folder, threads }: { out: string; threads: number },
  out: Output,
) {
  const display = new TrainingDisplay(out);
  const interrupt = abortOnInterrupt();
  try {
    return await train(recipe, {
      ...{ data, threads, out: folder, overwrite: true, seed: 0, signal: interrupt.signal },
      onEvent: (event) => display.show(event),
    });
  } finally {
    display.end();
    interrupt.dispose();
  }
}

function shares({
  binaryShareOfMacs,
  binaryShareOfParameters,
}: {
  binaryShareOfMacs: number;
  binaryShareOfParameters: number;
}) {
  return { binaryShareOfMacs, binaryShareOfParameters };
}

function accuracy({ images, top1, top5, loss }: QuickstartResult["float"]) {
  return { images, top1, top5, loss };
}

function agreementOf(a: Int32Array, b: Int32Array): number {
  return a.reduce((same, prediction, i) => same + Number(prediction === b[i]), 0) / a.length;
}

import { availableParallelism } from "node:os";
import { evaluateFloat, recordedData, type Tensors, reestimate as takeAgain } from "@onebit/train";
import { type Dataset, openDataset } from "@onebit/train/data";
import { openFloatModel, unfinishedNotes } from "@onebit/train/subjects";
import { UsageError } from "onebit";
import { encodeFloatModel, type FloatModel, floatModelGraph } from "onebit/models";
import { counted } from "onebit/words";
import { batch } from "../flags/batch.js";
import { command } from "../flags/command.js";
import { data, imageCount } from "../flags/data.js";
import { json } from "../flags/json.js";
import { output } from "../flags/output.js";
import { threads } from "../flags/threads.js";
import { hasEnding, refuseSameFile, writeOutput } from "../output-file.js";
import { bar, StatusLine } from "../progress.js";
import { count, percent, table, terminalOutput } from "../terminal.js";

export const reestimate = command({
  name: "reestimate",
  arguments: ["<model>"],
  about: "take the statistics of batch normalisation again, with the trained weights",
  flags: [
    output.means("the float model (.safetensors) to write").required(),
    data.otherwise("that of the run"),
    imageCount.means("training images to look at").otherwise("all"),
    batch.means("images that are normalised together").byDefault(64),
    threads.otherwise("one per core"),
    json,
  ],
  async run([path], { output, data, images, batch: together, ...flags }) {
    const out = terminalOutput(flags);
    const { threads = availableParallelism() } = flags;
    if (!hasEnding(output, ".safetensors")) {
      throw new UsageError(`--output ${output}: a float model is a .safetensors file`);
    }
    refuseSameFile(path, output);
    const model = await openFloatModel(path);
    const notes = await unfinishedNotes(path, model);
    const dataset = await dataOf(path, data);
    const graph = floatModelGraph(model);
    const { preprocess, labels } = model;
    const status = new StatusLine();
    const onProgress = (done: number, of: number) =>
      status.show(`${bar(done / of)} ${count(done)} of ${counted(of, "image")}`);
    const evaluated = async (tensors: Tensors) => {
      const { top1, loss } = await evaluateFloat(graph, tensors, dataset, {
        ...{ preprocess, labels, threads, onProgress },
      });
      return { top1, loss };
    };
    try {
      const taken = await takeAgain(graph, model.tensors, dataset, {
        ...{ preprocess, images, batch: together, threads, onProgress },
      });
      const [before, after] = [await evaluated(model.tensors), await evaluated(taken.tensors)];
      await writeOutput(output, encodeFloatModel(changed(model, taken.tensors, taken.images)));
      status.clear();
      const { layers } = taken;
      out.result({ output, layers, images: taken.images, before, after, notes });
      const row = (name: string, { top1, loss }: typeof before) => [
        name,
        percent(top1),
        loss.toFixed(4),
      ];
      const rows = [row("as they were", before), row("taken again", after)];
      const what = `${counted(layers, "layer")}, ${counted(taken.images, "image")}`;
      out.line(table([what, "top-1", "loss"], rows, ["left", "right", "right"]));
      for (const note of notes) out.note(`note: ${note}`);
    } finally {
      status.clear();
    }
  },
});

async function dataOf(path: string, spec: string | undefined): Promise<Dataset> {
  const dataset = spec === undefined ? await recordedData(path) : await openDataset(spec);
  if (dataset) return dataset;
  throw new UsageError(`${path}: is no run, so say which images it learned from: --data SPEC`);
}

function changed(model: FloatModel, tensors: Tensors, images: number): FloatModel {
  return { ...model, tensors, card: { ...model.card, reestimated: images } };
}

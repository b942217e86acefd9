import { modelKind, openSubject } from "@onebit/train/subjects";
import { UsageError } from "onebit";
import { backend } from "../flags/backend.js";
import { budgetFlags, budgetOf } from "../flags/budget.js";
import { command } from "../flags/command.js";
import { input } from "../flags/input.js";
import { json, jsonl } from "../flags/json.js";
import { maps } from "../flags/maps.js";
import { onnxFlags, onnxSettings, outputName } from "../flags/onnx.js";
import { output } from "../flags/output.js";
import { strict } from "../flags/strict.js";
import { threads } from "../flags/threads.js";
import { top } from "../flags/top.js";
import { refuseSameFile } from "../output-file.js";
import { photographs } from "../photographs.js";
import { classifyPhotographs, classifyTensor } from "../run/classify.js";
import { giveOutputs, type Images } from "../run/outputs.js";
import { checkNpyImages, readNpyImages, sizeOf } from "../subjects/npy-images.js";
import { terminalOutput } from "../terminal.js";

const ONE_FILE = "it writes one file";

const topFlag = top.excludes(output, ONE_FILE);

export const run = command({
  name: "run",
  arguments: ["<file>", "[inputs...]"],
  about:
    "classify photographs (jpg, png, webp, avif, gif, tiff, folders), or run a .npy tensor, with a packed network or an .onnx model",
  flags: [
    topFlag,
    backend,
    threads.means("threads, where the backend has several").byDefault(1),
    maps,
    ...budgetFlags,
    input.means(
      "instead of photographs: normalised images [N, C, H, W] of any size that fits, or rows [N, C]",
    ),
    output.means(
      "write an output, of all inputs, as .npy: logits [N, classes]; - is standard output",
    ),
    outputName
      .anywhere()
      .means("which output, where there are several; of an .onnx model, its scores"),
    strict.excludes(input),
    json,
    jsonl.excludes(output, ONE_FILE),
    ...onnxFlags.filter(({ root }) => root !== outputName.root),
  ],
  async run([file, inputs], flags, given) {
    const out = terminalOutput(flags);
    checkInputs(inputs, flags.input);
    const kind = await modelKind(file, "runnable");
    given.checkScope({ path: file, kind });
    const { backend, threads, maps, strict, output, outputName } = flags;
    const images: Images =
      flags.input === undefined
        ? { paths: await photographs(inputs), strict }
        : { path: flags.input, tensor: await readNpyImages(flags.input, file) };
    if (output !== undefined && flags.input !== undefined) refuseSameFile(flags.input, output);
    const size = "tensor" in images ? sizeOf(images.tensor) : undefined;
    const budget = budgetOf(flags);
    const onnx = await onnxSettings(flags);
    const subject = await openSubject(file, { backend, threads, onnx, size, maps, budget });
    try {
      for (const note of subject.notes) out.note(`note: ${note}`);
      if ("tensor" in images) {
        const notes = checkNpyImages(images.path, images.tensor, subject);
        for (const note of notes) out.note(`note: ${note}`);
      }
      const name = kind === "onnx" ? undefined : outputName;
      if (output !== undefined || name !== undefined || !subject.scores) {
        if (given.has(topFlag)) throw new UsageError("--top is about classes: leave it out");
        return await giveOutputs(subject, images, { name, output }, out);
      }
      if ("tensor" in images) return await classifyTensor(subject, images, flags.top, out);
      await classifyPhotographs(subject, images, flags.top, out);
    } finally {
      await subject.dispose();
    }
  },
});

function checkInputs(inputs: readonly string[], tensor: string | undefined): void {
  if (tensor !== undefined && inputs.length) {
    throw new UsageError("give either photographs or --input x.npy, not both");
  }
  if (tensor === undefined && !inputs.length) {
    throw new UsageError("nothing to run on: name photographs or folders, or --input x.npy");
  }
}

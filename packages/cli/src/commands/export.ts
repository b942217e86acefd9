import { modelKind, openFloatModel } from "@onebit/train/subjects";
import { UsageError } from "onebit";
import { encodeFloatModel, type FloatModel, floatModelGraph, scalarInputs } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import { batch } from "../flags/batch.js";
import { command } from "../flags/command.js";
import { flag } from "../flags/flag.js";
import { json } from "../flags/json.js";
import { output } from "../flags/output.js";
import { oneOf } from "../flags/readers.js";
import { openUnpacked } from "../models-on-disk.js";
import { refuseSameFile, writeOutput } from "../output-file.js";
import { bytes, terminalOutput } from "../terminal.js";

type Format = "onnx" | "safetensors";

export const exportNetwork = command({
  name: "export",
  arguments: ["<model>"],
  about: "write a float model, a run's best weights, or a packed network for other tools",
  flags: [
    flag(
      "--to <format>",
      "what it is written as",
      oneOf<Format>(["onnx", "safetensors"]),
    ).required(),
    output.required(),
    batch.means("fix the batch size of the ONNX graph").otherwise("left open"),
    json,
  ],
  more: "A .onebit file is exported as its float equivalent.",
  async run([path], { to, output, batch, ...flags }) {
    const out = terminalOutput({ output, ...flags });
    const encode = encoder(to, batch);
    refuseSameFile(path, output);
    const model = await openModel(path);
    const file = encode(model);
    await writeOutput(output, file);
    out.result({ output, format: to, bytes: file.length });
    out.line(`wrote ${output} (${bytes(file.length)})`);
  },
});

async function openModel(path: string): Promise<FloatModel> {
  const kind = await modelKind(path, "unpackable");
  return kind === "packed" ? openUnpacked(path) : openFloatModel(path);
}

function encoder(to: Format, batch: number | undefined): (model: FloatModel) => Uint8Array {
  if (to === "onnx") return (model) => onnxOf(model, batch);
  if (batch === undefined) return encodeFloatModel;
  throw new UsageError("--batch goes with --to onnx: weights alone have no batch size");
}

function onnxOf(model: FloatModel, batch: number | undefined): Uint8Array {
  const graph = floatModelGraph(model, batch);
  const { labels, preprocess, tensors } = model;
  const metadata = { labels: JSON.stringify(labels), preprocess: JSON.stringify(preprocess) };
  const scalars = scalarInputs(graph, tensors);
  const dynamicBatch = batch === undefined ? undefined : false;
  return toOnnx(graph, { tensors, scalars, metadata, dynamicBatch });
}

import type { Command } from "commander";
import { UsageError } from "onebit";
import { encodeFloatModel, type FloatModel, floatModelGraph, scalarInputs } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import { wholeNumber } from "../architecture.js";
import { modelKind } from "../model-kind.js";
import { openFloatModel, openUnpacked } from "../models-on-disk.js";
import { refuseSameFile, writeOutput } from "../output-file.js";
import { bytes, terminalOutput } from "../terminal.js";

interface Flags {
  readonly to: string;
  readonly output: string;
  readonly batch?: string;
  readonly json?: boolean;
}

export function registerExport(program: Command): void {
  program
    .command("export <model>")
    .description("write a float model, a run's best weights, or a packed network for other tools")
    .requiredOption("--to <format>", "onnx or safetensors")
    .requiredOption("-o, --output <file>", "where to write it; - is standard output")
    .option("--batch <n>", "fix the batch size of the ONNX graph (default: left open)")
    .option("--json", "one JSON document")
    .addHelpText("after", "\nA .onebit file is exported as its float equivalent.")
    .action(run);
}

async function run(path: string, flags: Flags): Promise<void> {
  const out = terminalOutput(flags);
  const encode = encoder(flags);
  refuseSameFile(path, flags.output);
  const model = await openModel(path);
  const file = encode(model);
  await writeOutput(flags.output, file);
  out.result({ output: flags.output, format: flags.to, bytes: file.length });
  out.line(`wrote ${flags.output} (${bytes(file.length)})`);
}

async function openModel(path: string): Promise<FloatModel> {
  const kind = await modelKind(path, "unpackable");
  return kind === "packed" ? openUnpacked(path) : openFloatModel(path);
}

function encoder({ to, batch }: Flags): (model: FloatModel) => Uint8Array {
  const fixed = wholeNumber("--batch", batch);
  if (to === "onnx") return (model) => onnxOf(model, fixed);
  if (to !== "safetensors") throw new UsageError(`--to ${to}: must be onnx or safetensors`);
  if (fixed === undefined) return encodeFloatModel;
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

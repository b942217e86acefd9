import type { Command } from "commander";
import { UsageError } from "onebit";
import { encodeFloatModel, floatModelGraph, scalarInputs } from "onebit/models";
import { writeFileAtomic } from "onebit/node";
import { toOnnx } from "onebit/onnx";
import { wholeNumber } from "../architecture.js";
import { isPacked, openFloatModel } from "../models-on-disk.js";
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
    .description("write a float model, or a run's best weights, for other tools")
    .requiredOption("--to <format>", "onnx or safetensors")
    .requiredOption("-o, --output <file>", "where to write it")
    .option("--batch <n>", "batch size of the ONNX graph (default 1)")
    .option("--json", "one JSON document")
    .action(run);
}

async function run(path: string, flags: Flags): Promise<void> {
  const out = terminalOutput(flags);
  if (isPacked(path)) {
    throw new UsageError(
      `${path}: a packed file has no float weights; export the model it was packed from`,
    );
  }
  const model = await openFloatModel(path);
  const batch = wholeNumber("--batch", flags.batch) ?? 1;
  const file = flags.to === "onnx" ? onnxOf(model, batch) : safetensorsOf(model, flags.to);
  await writeFileAtomic(flags.output, file);
  out.result({ output: flags.output, format: flags.to, bytes: file.length });
  out.line(`wrote ${flags.output} (${bytes(file.length)})`);
}

type Model = Awaited<ReturnType<typeof openFloatModel>>;

function onnxOf(model: Model, batch: number): Uint8Array {
  const graph = floatModelGraph(model, batch);
  const { labels, preprocess } = model;
  const metadata = { labels: JSON.stringify(labels), preprocess: JSON.stringify(preprocess) };
  const scalars = scalarInputs(graph, model.tensors);
  return toOnnx(graph, { tensors: model.tensors, scalars, metadata });
}

function safetensorsOf(model: Model, format: string): Uint8Array {
  if (format === "safetensors") return encodeFloatModel(model);
  throw new UsageError(`--to ${format}: must be onnx or safetensors`);
}

import { basename } from "node:path";
import { exportC, nameFrom } from "@onebit/convert";
import { DATA_SPEC, openDataset } from "@onebit/train/data";
import {
  calibrationImages,
  INT8_IMAGES,
  int8Onnx,
  modelKind,
  openFloatModel,
  openPacked,
} from "@onebit/train/subjects";
import { UsageError } from "onebit";
import { encodeFloatModel, type FloatModel, floatModelGraph, scalarInputs } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import { onebitCommand } from "onebit/words";
import { batch } from "../flags/batch.js";
import { command } from "../flags/command.js";
import { flag } from "../flags/flag.js";
import { calibrate, integer } from "../flags/integer.js";
import { json } from "../flags/json.js";
import { output } from "../flags/output.js";
import { oneOf, words } from "../flags/readers.js";
import { byteCount } from "../flags/sizes.js";
import { openUnpacked } from "../models-on-disk.js";
import { refuseSameFile, writeOutput } from "../output-file.js";
import { writeFolder } from "../output-folder.js";
import { bytes, terminalOutput } from "../terminal.js";

type Format = "onnx" | "safetensors" | "c";

export const exportNetwork = command({
  name: "export",
  arguments: ["<model>"],
  about: "write a float model, a run's best weights, or a packed network for other tools",
  flags: [
    flag(
      "--to <format>",
      "what it is written as",
      oneOf<Format>(["onnx", "safetensors", "c"]),
    ).required(),
    output.required(),
    batch.means("fix the batch size of the ONNX graph").otherwise("left open"),
    flag("--name <name>", "c: what functions and files begin with", words).otherwise("the file's"),
    integer.means("c: in whole numbers, but for the scores; onnx: a float network in 8 bits (QDQ)"),
    calibrate.means(`with --integer, ranges of numbers from training images: ${DATA_SPEC}`),
    flag("--flash <size>", "c: bytes of constants at most, such as 256k", byteCount),
    flag("--ram <size>", "c: bytes of values at most, such as 64k", byteCount),
    json,
  ],
  more: "A .onebit file is exported as its float equivalent; to c as it is, into a folder: C99 that needs nothing else.",
  async run([path], { to, output, batch, name, integer, calibrate, flash, ram, ...flags }) {
    const whole = { integer, calibrate };
    const ofC = { name, flash, ram };
    if (to === "c") return toC(path, output, { batch, ...whole, ...ofC }, flags);
    const others = to === "onnx" ? ofC : { ...whole, ...ofC };
    const given = Object.entries(others).find(([, value]) => value !== undefined);
    if (given) throw new UsageError(`--${given[0]} goes with --to c`);
    const out = terminalOutput({ output, ...flags });
    const encode = integer ? int8Encoder(path, batch, calibrate) : encoder(to, batch);
    refuseSameFile(path, output);
    const model = await openModel(path);
    const file = await encode(model);
    await writeOutput(output, file);
    out.result({ output, format: to, bytes: file.length });
    out.line(`wrote ${output} (${bytes(file.length)})`);
  },
});

interface CFlags {
  readonly batch?: number;
  readonly name?: string;
  readonly integer?: boolean;
  readonly calibrate?: string;
  readonly flash?: number;
  readonly ram?: number;
}

async function toC(path: string, folder: string, given: CFlags, flags: { json?: boolean }) {
  const { batch, name = nameFrom(basename(path)), calibrate, flash, ram } = given;
  if (batch !== undefined) throw new UsageError("--batch goes with --to onnx: C runs one image");
  if (folder === "-") {
    throw new UsageError("--output -: C is several files, which have no place in standard output");
  }
  const kind = await modelKind(path, "unpackable");
  if (kind !== "packed") {
    throw new UsageError(`${path}: only packed networks become C: ${onebitCommand("pack", path)}`);
  }
  const out = terminalOutput(flags);
  const file = await openPacked(path);
  const images = calibrate && (await calibrationImages(file, await openDataset(calibrate)));
  const integer = images ? { images } : given.integer;
  const { files, ...facts } = await exportC(file, { name, integer, flash, ram });
  await writeFolder(folder, files);
  const { constantBytes, arenaBytes, arithmetic } = facts;
  out.result({ output: folder, format: "c", name, ...facts });
  out.line(`wrote ${folder}: ${Object.keys(files).join(", ")}`);
  out.line(`flash ${bytes(constantBytes)} of constants, and the code; RAM ${bytes(arenaBytes)}`);
  if (!arithmetic) return;
  const data = calibrate ? ["--calibrate", calibrate] : [];
  const measured = onebitCommand("eval", path, "--integer", ...data, "--data", "SPEC");
  out.line(`arithmetic ${arithmetic}; what it costs in accuracy: ${measured}`);
}

async function openModel(path: string): Promise<FloatModel> {
  const kind = await modelKind(path, "unpackable");
  return kind === "packed" ? openUnpacked(path) : openFloatModel(path);
}

function encoder(
  to: Exclude<Format, "c">,
  batch: number | undefined,
): (model: FloatModel) => Uint8Array {
  if (to === "onnx") return (model) => onnxOf(model, batch);
  if (batch === undefined) return encodeFloatModel;
  throw new UsageError("--batch goes with --to onnx: weights alone have no batch size");
}

/** Ranges are those of training images. */
function int8Encoder(path: string, batch: number | undefined, spec: string | undefined) {
  if (batch !== undefined) throw new UsageError("--batch: in 8 bits the batch is left open");
  if (spec === undefined) {
    throw new UsageError(
      `--integer: of an ONNX model, ranges come from up to ${INT8_IMAGES} training images: --calibrate SPEC`,
    );
  }
  return async (model: FloatModel) => {
    const metadata = metadataOf(model);
    return int8Onnx(path, model, await openDataset(spec), { metadata });
  };
}

const metadataOf = ({ labels, preprocess }: FloatModel) => ({
  labels: JSON.stringify(labels),
  preprocess: JSON.stringify(preprocess),
});

function onnxOf(model: FloatModel, batch: number | undefined): Uint8Array {
  const graph = floatModelGraph(model, batch);
  const { tensors } = model;
  const metadata = metadataOf(model);
  const scalars = scalarInputs(graph, tensors);
  const dynamicBatch = batch === undefined ? undefined : false;
  return toOnnx(graph, { tensors, scalars, metadata, dynamicBatch });
}

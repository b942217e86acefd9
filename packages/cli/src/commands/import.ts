import { resolve } from "node:path";
import {
  type AsyncBuffer,
  type ImportOptions,
  type ImportReport,
  importCheckpoint,
  importMoments,
  importStream,
  openBuffer,
  symbolOf,
} from "@onebit/convert";
import { encodeMoments, type StoredMoments } from "@onebit/train";
import { UsageError } from "onebit";
import { summarize } from "onebit/cost";
import { fileKind, KIND_BYTES } from "onebit/file";
import { floatModelChunks, floatModelGraph } from "onebit/models";
import { counted, onebitCommand } from "onebit/words";
import { form, inputSize, stemStride } from "../flags/architecture.js";
import { command } from "../flags/command.js";
import { type FlagValues, flag, under } from "../flags/flag.js";
import { json } from "../flags/json.js";
import { labels, labelsOf } from "../flags/labels.js";
import { moments } from "../flags/moments.js";
import { output } from "../flags/output.js";
import { realWeights, vectors, zeroWeights } from "../flags/packing.js";
import { preprocessFlags, preprocessOverrides } from "../flags/preprocess.js";
import { quantised } from "../flags/quantised.js";
import { words } from "../flags/readers.js";
import { hasEnding, refuseSameFile, writeOutput } from "../output-file.js";
import { packModel } from "../packing.js";
import { bytes, count, type Output, percent, table, terminalOutput } from "../terminal.js";

const flags = [
  output.means("float model (.safetensors) or packed (.onebit)").required(),
  flag("--arch <name>", "architecture, instead of what keys and shapes say", words),
  stemStride.means("stride of the first convolution, which weights do not tell"),
  form.means("where keys do not tell"),
  inputSize.means("size of the input, which weights do not tell, such as 3x32x32"),
  zeroWeights,
  realWeights.means("type of stem, gates and classifier in a packed file"),
  vectors.means("type of per-channel vectors in a packed file"),
  quantised,
  flag("--dict <name>", "where the network lies in the file, such as state_dict.student", words),
  flag("--symbol <file>", "BMXNet: the -symbol.json, where it is not beside the .params", words),
  moments.means(
    "also write what a PyTorch optimiser had kept, for `train --moments` (.safetensors)",
  ),
  json,
  ...under("Images:", [labels.anywhere(), ...preprocessFlags.map((one) => one.anywhere())]),
] as const;

type Flags = FlagValues<typeof flags>;

export const importNetwork = command({
  name: "import",
  arguments: ["<checkpoint>"],
  about:
    "a published checkpoint (BNext, ReActNet, ResNet, ...; path or URL) to a model of onebit's",
  flags,
  async run([source], flags) {
    const out = terminalOutput(flags);
    const packed = flags.output.endsWith(".onebit");
    if (!packed && !flags.output.endsWith(".safetensors")) {
      throw new UsageError(
        `--output ${flags.output}: must end in .safetensors (float model) or .onebit (packed)`,
      );
    }
    if (!packed && (flags.realWeights || flags.vectors)) {
      const name = flags.realWeights ? "--real-weights" : "--vectors";
      throw new UsageError(`${name} goes with .onebit: a float model holds float32`);
    }
    refuseSameFile(source, flags.output);
    checkMoments(source, flags);
    const options = {
      ...(await importOptions(flags)),
      symbol: () => symbolOf(source, flags.symbol),
    };
    const notes = await withBuffer(source, (buffer) => notesOnOwn(source, buffer));
    // Read before anything is written: it may not be clear which moments are whose.
    const kept =
      flags.moments === undefined
        ? undefined
        : await withBuffer(source, (buffer) => importMoments(buffer, options));
    const { model, report, size } = await (packed ? importPacked : importFloat)(
      source,
      options,
      flags,
    );
    const optimiser = kept && flags.moments ? await writeMoments(kept, flags.moments) : undefined;
    const { parameters, binaryParameters } = summarize(floatModelGraph(model));
    const result = {
      ...report,
      notes: [...report.notes, ...notes],
      ...{ parameters, binaryParameters: report.binary ? binaryParameters : 0 },
      ...{ output: flags.output, bytes: size },
      ...(optimiser && { moments: optimiser }),
    };
    out.result(result);
    print(out, source, result);
  },
});

function checkMoments(source: string, { output, moments }: Flags): void {
  if (moments === undefined) return;
  if (!hasEnding(moments, ".safetensors")) {
    throw new UsageError(`--moments ${moments}: is written as .safetensors`);
  }
  refuseSameFile(source, moments);
  if (resolve(moments) !== resolve(output)) return;
  throw new UsageError(
    `--moments ${moments}: is the model's own file, --output: give another name`,
  );
}

async function writeMoments(kept: StoredMoments, file: string) {
  await writeOutput(file, encodeMoments(kept));
  return { file, step: kept.step, names: Object.keys(kept.moments) };
}

async function importPacked(source: string, options: ImportOptions, flags: Flags) {
  const { model, report } = await withBuffer(source, (buffer) =>
    importCheckpoint(buffer, { ...options, weights: "signs" }),
  );
  checkSymbol(flags, report);
  const { realWeights, vectors } = flags;
  const { file } = await packModel(model, { realWeights, vectors });
  return { model, report, size: await writeOutput(flags.output, file) };
}

/** Tensor by tensor from file to file: the largest networks take little memory. */
async function importFloat(source: string, options: ImportOptions, flags: Flags) {
  return withBuffer(source, async (buffer) => {
    const { model, report, tensors } = await importStream(buffer, options);
    checkSymbol(flags, report);
    const size = await writeOutput(flags.output, floatModelChunks(model, tensors));
    return { model, report, size };
  });
}

/** What a float model of onebit's says besides its weights is not a checkpoint's to say. */
async function notesOnOwn(source: string, buffer: AsyncBuffer): Promise<string[]> {
  const start = await buffer.slice(0, Math.min(KIND_BYTES, buffer.byteLength));
  if (fileKind(start) !== "float") return [];
  const instead = onebitCommand("pack", source, "-o", "model.onebit");
  return [
    `a float model of onebit's: its size, preparation and class names are left out; to keep them: ${instead}`,
  ];
}

async function withBuffer<T>(source: string, work: (buffer: AsyncBuffer) => Promise<T>) {
  const buffer = await openBuffer(source);
  try {
    return await work(buffer);
  } finally {
    await buffer.close?.();
  }
}

function checkSymbol({ symbol }: Flags, { family }: ImportReport): void {
  if (symbol === undefined || family === "bmxnet") return;
  throw new UsageError(`--symbol ${symbol}: only MXNet's .params have one; leave it out`);
}

async function importOptions(flags: Flags): Promise<ImportOptions> {
  const { arch, form, input, stemStride, zeroWeights, dict, quantised } = flags;
  return {
    ...{ arch, form, input, stemStride, quantised, zeroWeights },
    preprocess: preprocessOverrides(flags),
    labels: await labelsOf(flags),
    moments: flags.moments !== undefined,
    wrapper: dict === undefined ? undefined : [dict],
  };
}

type Result = ImportReport & {
  readonly parameters: number;
  readonly binaryParameters: number;
  readonly output: string;
  readonly bytes: number;
  readonly moments?: {
    readonly file: string;
    readonly step: number;
    readonly names: readonly string[];
  };
};

function print(out: Output, source: string, result: Result): void {
  const { parameters, binaryParameters, tensors } = result;
  const fates = ["used", "dead", "counter", "mirror"]
    .map((fate) => [fate, tensors.filter((tensor) => tensor.fate === fate).length] as const)
    .filter(([, number]) => number > 0)
    .map(([fate, number]) => `${count(number)} ${fateNames[fate]}`);
  const rows = [
    [
      "network",
      `${result.arch}, widths ${runs(result.widths)}, ${counted(result.classes, "class")}`,
    ],
    ["input", result.input.join("x")],
    ["weights", result.binary ? "1-bit" : "real numbers"],
    ["stem, gates, classifier", bitsOf(result)],
    [
      "parameters",
      `${count(parameters)}, of them 1-bit ${count(binaryParameters)} (${percent(binaryParameters / parameters)})`,
    ],
    ["tensors", fates.join(", ")],
    ["SHA-256", result.sha256],
    [result.output, bytes(result.bytes)],
    ...(result.moments ? [momentsRow(result.moments)] : []),
  ];
  out.line(table([source, ""], rows, ["left", "left"]));
  for (const note of result.notes) out.note(`note: ${note}`);
}

function momentsRow({ file, step, names }: NonNullable<Result["moments"]>): string[] {
  return [file, `${names.join(", ")} after ${counted(step, "step")}`];
}

function bitsOf({ switches }: Result): string {
  const { quantised } = switches;
  return quantised ? `${quantised} bits` : "real numbers";
}

const fateNames: { readonly [fate: string]: string } = {
  used: "used",
  dead: "dead and ignored",
  counter: "counters",
  mirror: "temperatures",
};

/** [32, 64, 128, 128] -> "32, 64, 128x2". */
function runs(widths: readonly number[]): string {
  const groups: { width: number; times: number }[] = [];
  for (const width of widths) {
    const last = groups.at(-1);
    if (last?.width === width) last.times++;
    else groups.push({ width, times: 1 });
  }
  return groups.map(({ width, times }) => (times > 1 ? `${width}x${times}` : width)).join(", ");
}

import { type ImportOptions, importCheckpoint, openBuffer } from "@onebit/convert";
import { type Command, Option } from "commander";
import { OnebitError, UsageError } from "onebit";
import { summarize } from "onebit/cost";
import { encodeFloatModel, type FloatModel, type Form, floatModelGraph } from "onebit/models";
import { readFileBytes } from "onebit/node";
import { architectureOptions } from "../architecture.js";
import { isPacked } from "../models-on-disk.js";
import { writeOutput } from "../output-file.js";
import { packModel } from "../packing.js";
import { bytes, count, type Output, percent, table, terminalOutput } from "../terminal.js";

interface Flags {
  readonly output: string;
  readonly arch?: string;
  readonly stemStride?: string;
  readonly form?: Form;
  readonly input?: string;
  readonly labels?: string;
  readonly mean?: string;
  readonly std?: string;
  readonly resize?: string;
  readonly crop?: string;
  readonly zeroWeights?: string;
  readonly dict?: string;
  readonly json?: boolean;
}

export function registerImport(program: Command): void {
  const form = new Option("--form <form>", "where keys do not tell: binary, step1 or real");
  const zeros = new Option("--zero-weights <sign>", "what exactly zero binary weights count as");
  program
    .command("import <checkpoint>")
    .description("a published BNext or ReActNet checkpoint (path or URL) to a model of onebit's")
    .requiredOption("-o, --output <file>", "float model (.safetensors) or packed (.onebit)")
    .option("--arch <name>", "architecture, instead of what keys and shapes say")
    .option("--stem-stride <n>", "stride of the first convolution, which weights do not tell")
    .addOption(form.choices(["binary", "step1", "real"]))
    .option("--input <CxHxW>", "size of the input, which weights do not tell, such as 3x32x32")
    .option("--labels <file>", "names of the classes: one per line, or a .json list")
    .option("--mean <list>", "per channel, in units of 0 to 1")
    .option("--std <list>", "per channel, in units of 0 to 1")
    .option("--resize <size>", "shorter side, or HxW, before the crop")
    .option("--crop <size>", "side of the centre crop, or HxW, which is the input's size; or none")
    .addOption(zeros.choices(["+1", "1", "-1"]))
    .option("--dict <key>", "dict of the file that holds the network, where its name does not tell")
    .option("--json", "one JSON document")
    .action(run);
}

async function run(source: string, flags: Flags): Promise<void> {
  const out = terminalOutput(flags);
  const packed = isPacked(flags.output);
  if (!packed && !flags.output.endsWith(".safetensors")) {
    throw new UsageError(
      `--output ${flags.output}: must end in .safetensors (float model) or .onebit (packed)`,
    );
  }
  const options = {
    ...(await importOptions(flags)),
    weights: packed ? "signs" : "latent",
  } as const;
  const { model, report } = await imported(source, options);
  const file = await encoded(model, packed);
  await writeOutput(flags.output, file);
  const { parameters, binaryParameters } = summarize(floatModelGraph(model));
  const result = {
    ...report,
    ...{ parameters, binaryParameters: report.binary ? binaryParameters : 0 },
    ...{ output: flags.output, bytes: file.length },
  };
  out.result(result);
  print(out, source, result);
}

async function imported(source: string, options: ImportOptions) {
  const buffer = await openBuffer(source);
  try {
    return await importCheckpoint(buffer, options);
  } finally {
    await buffer.close?.();
  }
}

async function encoded(model: FloatModel, packed: boolean): Promise<Uint8Array> {
  return packed ? (await packModel(model)).file : encodeFloatModel(model);
}

async function importOptions(flags: Flags): Promise<ImportOptions> {
  const { arch, form, zeroWeights, dict, resize, crop, mean, std } = flags;
  const { input, stemStride } = architectureOptions(flags);
  const size = crop && crop !== "none" ? sides("--crop", crop) : undefined;
  const preprocess = {
    ...(size && {
      size: [size[0], size[1] ?? size[0]] as [number, number],
      crop: "center" as const,
    }),
    ...(crop === "none" && { crop: "none" as const }),
    ...(resize && { resize: resizeOf(sides("--resize", resize)) }),
    ...(mean && { mean: numbers("--mean", mean) }),
    ...(std && { std: numbers("--std", std) }),
  };
  return {
    ...{ arch, form, input, stemStride, preprocess },
    labels: flags.labels === undefined ? undefined : await readLabels(flags.labels),
    zeroWeights: zeroWeights === undefined ? undefined : (Number(zeroWeights) as 1 | -1),
    wrapper: dict === undefined ? undefined : [dict],
  };
}

const resizeOf = ([height, width]: readonly number[]) =>
  width === undefined ? height : ([height, width] as [number, number]);

/** "224", or "48x64": height, then width. */
function sides(flag: string, text: string): number[] {
  if (/^[1-9]\d*(x[1-9]\d*)?$/.test(text)) return text.split("x").map(Number);
  throw new UsageError(`${flag} ${text}: a side such as 224, or height x width such as 48x64`);
}

function numbers(flag: string, text: string): number[] {
  const list = text.split(",").map((item) => (item.trim() === "" ? Number.NaN : Number(item)));
  if (list.every(Number.isFinite)) return list;
  throw new UsageError(`${flag} ${text}: one number per channel, such as 0.485,0.456,0.406`);
}

async function readLabels(path: string): Promise<string[]> {
  const text = new TextDecoder().decode(await readFileBytes(path));
  if (!path.endsWith(".json")) return text.trimEnd().split(/\r?\n/);
  const list = parseJson(path, text);
  if (Array.isArray(list) && list.every((label) => typeof label === "string")) return list;
  throw new OnebitError(`${path}: must be a JSON list of strings, one per class`);
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new OnebitError(`${path}: not JSON (${(error as Error).message})`);
  }
}

type Result = Awaited<ReturnType<typeof imported>>["report"] & {
  readonly parameters: number;
  readonly binaryParameters: number;
  readonly output: string;
  readonly bytes: number;
};

function print(out: Output, source: string, result: Result): void {
  const { parameters, binaryParameters, tensors } = result;
  const fates = ["used", "dead", "counter", "mirror"]
    .map((fate) => [fate, tensors.filter((tensor) => tensor.fate === fate).length] as const)
    .filter(([, number]) => number > 0)
    .map(([fate, number]) => `${count(number)} ${fateNames[fate]}`);
  const rows = [
    ["network", `${result.arch}, widths ${runs(result.widths)}, ${count(result.classes)} classes`],
    ["input", result.input.join("x")],
    ["weights", result.binary ? "1-bit" : "real numbers"],
    [
      "parameters",
      `${count(parameters)}, of them 1-bit ${count(binaryParameters)} (${percent(binaryParameters / parameters)})`,
    ],
    ["tensors", fates.join(", ")],
    ["SHA-256", result.sha256],
    [result.output, bytes(result.bytes)],
  ];
  out.line(table([source, ""], rows, ["left", "left"]));
  for (const note of result.notes) out.note(`note: ${note}`);
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

import { type Command, Option } from "commander";
import { UsageError } from "onebit";
import { REAL_WEIGHTS, type RealWeights, VECTORS, type Vectors } from "onebit/file";
import type { FloatModel } from "onebit/models";
import { QUANTISED_HELP } from "../architecture.js";
import { openFloatModel } from "../models-on-disk.js";
import { hasEnding, writeOutput } from "../output-file.js";
import { packModel } from "../packing.js";
import { bytes, count, percent, table, terminalOutput } from "../terminal.js";

interface Flags {
  readonly output: string;
  readonly realWeights: string;
  readonly zeroWeights?: string;
  readonly vectors: Vectors;
  readonly quantised?: string;
  readonly json?: boolean;
}

export function registerPack(program: Command): void {
  const vectors = new Option("--vectors <type>", "per-channel vectors: int16 or float32");
  program
    .command("pack <model>")
    .description("pack a float model, or the best weights of a run, to 1 bit")
    .requiredOption("-o, --output <file.onebit>", "where to write it; - is standard output")
    .option("--real-weights <type>", "stem, gates, classifier: int8, float16 or float32", "float32")
    .addOption(vectors.choices(VECTORS).default("float32"))
    .option("--quantised <bits>", QUANTISED_HELP)
    .option("--zero-weights <sign>", "what exactly zero binary weights count as: +1 or -1")
    .option("--json", "one JSON document")
    .action(run);
}

async function run(path: string, flags: Flags): Promise<void> {
  const out = terminalOutput(flags);
  if (!hasEnding(flags.output, ".onebit")) {
    throw new UsageError(`--output ${flags.output}: a packed network is a .onebit file`);
  }
  const model = withBits(path, await openFloatModel(path), flags.quantised);
  const packed = await packModel(model, {
    realWeights: realWeights(flags.realWeights),
    vectors: flags.vectors,
    zeroWeights: zeroWeights(flags.zeroWeights),
  });
  await writeOutput(flags.output, packed.file);
  const { summary } = packed;
  const result = {
    output: flags.output,
    bytes: packed.file.length,
    float32Bytes: summary.bytes.float32,
    parameters: summary.parameters,
    binaryParameters: summary.binaryParameters,
    binaryShareOfMacs: summary.binaryShareOfMacs,
    binaryShareOfParameters: summary.binaryShareOfParameters,
    steps: packed.program.steps.length,
  };
  out.result(result);
  const rows = [
    ["file", `${count(result.bytes)} bytes (${bytes(result.bytes)})`],
    [
      "float32",
      `${bytes(result.float32Bytes)}, ${(result.float32Bytes / result.bytes).toFixed(1)} times as much`,
    ],
    [
      "1-bit",
      `${percent(result.binaryShareOfParameters)} of the weights, ${percent(result.binaryShareOfMacs)} of the multiply-accumulates`,
    ],
    ["steps", count(result.steps)],
  ];
  out.line(table([flags.output, ""], rows, ["left", "left"]));
}

/** The same tensors, as the weights of a quantised network. */
function withBits(path: string, model: FloatModel, quantised: string | undefined): FloatModel {
  const { architecture } = model;
  if (quantised === undefined) return model;
  if ("graph" in architecture) {
    throw new UsageError(
      `${path}: has a graph of its own, which says what is quantised; leave out --quantised`,
    );
  }
  const options = { ...architecture.options, quantised };
  return { ...model, architecture: { ...architecture, options } };
}

function realWeights(text: string): RealWeights {
  const known = REAL_WEIGHTS.find((type) => type === text);
  if (known) return known;
  throw new UsageError(`--real-weights ${text}: must be ${REAL_WEIGHTS.join(", ")}`);
}

function zeroWeights(text: string | undefined): 1 | -1 | undefined {
  if (text === undefined) return undefined;
  if (text === "+1" || text === "1") return 1;
  if (text === "-1") return -1;
  throw new UsageError(`--zero-weights ${text}: must be +1 or -1`);
}

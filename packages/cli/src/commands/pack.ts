import { openFloatModel, unfinishedNotes } from "@onebit/train/subjects";
import { UsageError } from "onebit";
import type { FloatModel } from "onebit/models";
import { command } from "../flags/command.js";
import { json } from "../flags/json.js";
import { output } from "../flags/output.js";
import { realWeights, vectors, zeroWeights } from "../flags/packing.js";
import { quantised } from "../flags/quantised.js";
import { hasEnding, refuseSameFile, writeOutput } from "../output-file.js";
import { packModel } from "../packing.js";
import { bytes, count, percent, table, terminalOutput } from "../terminal.js";

export const pack = command({
  name: "pack",
  arguments: ["<model>"],
  about: "pack a float model, or the best weights of a run, to 1 bit",
  flags: [
    output.means("the .onebit file to write; - is standard output").required(),
    realWeights,
    vectors,
    quantised,
    zeroWeights,
    json,
  ],
  async run([path], flags) {
    const out = terminalOutput(flags);
    const { output, realWeights, vectors, zeroWeights } = flags;
    if (!hasEnding(output, ".onebit")) {
      throw new UsageError(`--output ${output}: a packed network is a .onebit file`);
    }
    refuseSameFile(path, output);
    const model = withBits(path, await openFloatModel(path), flags.quantised);
    const notes = await unfinishedNotes(path, model);
    const packed = await packModel(model, { realWeights, vectors, zeroWeights });
    await writeOutput(output, packed.file);
    const { summary } = packed;
    const result = {
      output,
      bytes: packed.file.length,
      float32Bytes: summary.bytes.float32,
      parameters: summary.parameters,
      binaryParameters: summary.binaryParameters,
      binaryShareOfMacs: summary.binaryShareOfMacs,
      binaryShareOfParameters: summary.binaryShareOfParameters,
      steps: packed.program.steps.length,
      notes,
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
    out.line(table([output, ""], rows, ["left", "left"]));
    for (const note of notes) out.note(`note: ${note}`);
  },
});

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

import type { OnebitFile } from "onebit/file";
import { forOutputs, withMaps } from "onebit/program";
import { lower } from "../integer/lower.js";
import { integerProgramCode, programCode } from "./program.js";

/** Bytes that a network takes on a device. */
export interface DeviceNeeds {
  /** Weights and tables. */
  readonly constantBytes: number;
  /** About what the code comes to, for a Cortex-M. */
  readonly codeBytes: number;
  readonly arenaBytes: number;
}

/** Measured: 16 kB for the 52 steps of models/fashion-mnist.onebit in whole numbers (gcc 12, Cortex-M4, -O2). */
const CODE_OF_STEP = 300;

/** What the C of a classifier takes; integer: in whole numbers. Weights only matter as far as they differ. */
export async function deviceNeeds(
  file: Pick<OnebitFile, "program" | "tensors" | "preprocess">,
  { integer }: { readonly integer: boolean },
): Promise<DeviceNeeds> {
  const program = forOutputs(file.program, ["logits"]);
  const { constantBytes, arena } = integer
    ? integerProgramCode(await withAnyRanges({ ...file, program }), file.tensors)
    : programCode(program, file.tensors);
  return {
    constantBytes: constantBytes.reduce((sum, bytes) => sum + bytes, 0),
    codeBytes: CODE_OF_STEP * program.steps.length,
    arenaBytes: 4 * arena.words,
  };
}

/** Ranges decide about numbers, hardly about how many bytes they have. */
function withAnyRanges({
  program,
  tensors,
  preprocess,
}: Pick<OnebitFile, "program" | "tensors" | "preprocess">) {
  const wide = withMaps(program, "float32");
  const ranges = {
    values: wide.values.map(() => 1),
    registers: wide.steps.map(({ epilogue }) => [1, ...epilogue.map(() => 1)]),
  };
  return lower(wide, tensors, ranges, preprocess);
}

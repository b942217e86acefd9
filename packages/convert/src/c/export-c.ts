import { OnebitError } from "onebit";
import type { OnebitFile } from "onebit/file";
import { forOutputs } from "onebit/program";
import { type IntegerNetwork, integerNetwork } from "../integer/index.js";
import { type Budgets, checkBudgets } from "./budgets.js";
import { cmake, example, type Facts, header } from "./files.js";
import { checkName } from "./names.js";
import { integerProgramCode, programCode } from "./program.js";
import { selftestOf } from "./selftest.js";
import { source } from "./source.js";

/** How a network becomes C. */
export interface ExportCOptions extends Budgets {
  /** What its functions and files begin with. */
  readonly name: string;
  /** In whole numbers: as large as they become on `images`, normalised [H, W, C] each, or on generated ones. */
  readonly integer?: boolean | { readonly images: readonly Float32Array[] };
}

/** A network as C99, ready to be written. */
export interface CProject {
  /** Texts by file name. */
  readonly files: { readonly [name: string]: string };
  /** Of weights, tables and labels; code comes on top. */
  readonly constantBytes: number;
  /** Of the one static arena. */
  readonly arenaBytes: number;
  /** Of an integer network: what `onebit eval --integer` shows too, where it computes the same. */
  readonly arithmetic?: string;
}

/**
 * A packed classifier as C99 that needs nothing but <stdint.h> and <math.h>: a header, a source with the weights, a
 * self-test, an example and a CMake file. Its scores are those of the reference backend, bit for bit, where the
 * compiler neither contracts nor reorders (see CMakeLists.txt); in whole numbers those of `integerNetwork`.
 *
 * OnebitError where it has no logits, or does not fit; UsageError for a name that C cannot have.
 */
export async function exportC(file: OnebitFile, options: ExportCOptions): Promise<CProject> {
  const { name, integer, ...budgets } = options;
  checkName(name);
  if (!Object.hasOwn(file.program.outputs, "logits")) {
    throw new OnebitError('this program has no output "logits": classifiers can be exported to C');
  }
  const network = integer
    ? await integerNetwork(file, integer === true ? undefined : integer.images)
    : undefined;
  const facts = factsOf(name, file, network);
  const { program, code } = facts;
  checkBudgets(program, { ...facts, bySteps: code.constantBytes, arena: code.arena }, budgets);
  const { constantBytes, arenaBytes } = facts;
  return {
    ...{ constantBytes, arenaBytes, arithmetic: network?.arithmetic },
    files: {
      [`${name}.h`]: header(facts),
      [`${name}.c`]: source(facts),
      "selftest.c": await selftestOf(facts),
      "main.c": example(facts),
      "CMakeLists.txt": cmake(name),
    },
  };
}

function factsOf(name: string, file: OnebitFile, network?: IntegerNetwork): Facts {
  const program = network?.integers.program ?? forOutputs(file.program, ["logits"]);
  const code = network
    ? integerProgramCode(network.integers, file.tensors)
    : programCode(program, file.tensors);
  const labels = new TextEncoder().encode(
    (file.labels ?? []).map((label) => `${label}\0`).join(""),
  ).length;
  const tables = file.preprocess && !network ? 1024 * file.preprocess.channels : 0;
  const weights = code.constantBytes.reduce((sum, bytes) => sum + bytes, 0);
  return {
    ...{ name, file, program, code, network },
    shape: program.values[program.input].shape,
    classes: program.values[program.outputs.logits].shape[2],
    constantBytes: weights + labels + tables,
    arenaBytes: 4 * code.arena.words,
  };
}

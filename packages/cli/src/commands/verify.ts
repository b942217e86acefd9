import type { Command } from "commander";
import { OnebitError } from "onebit";
import {
  addCompareOptions,
  type CompareFlags,
  fraction,
  openComparison,
} from "../compare/flags.js";
import { type Verification, verify } from "../compare/verify.js";
import { shellCommand } from "../shell.js";
import { count, percent, table, terminalOutput } from "../terminal.js";

interface Flags extends CompareFlags {
  readonly against: string;
  readonly agreement?: string;
}

const TOLERANCE = 1e-4;
const AGREEMENT = 0.9;
const GENERATED = 8;

export function registerVerify(program: Command): void {
  const command = program
    .command("verify <file> [images...]")
    .description("check that two networks say the same: packed, float or ONNX, on any backends")
    .requiredOption("--against <model>", ".onebit, .safetensors, a run, or .onnx")
    .option("--tolerance <x>", `largest relative error where no sign flips (default ${TOLERANCE})`)
    .option("--agreement <x>", `smallest share of equal top-1 classes (default ${AGREEMENT})`)
    .option(
      "--maps <type>",
      "of the first network, if it is packed: float32 or bfloat16 between steps",
    )
    .action(run);
  addCompareOptions(command);
}

async function run(
  file: string,
  inputs: readonly string[],
  flags: Flags,
  command: Command,
): Promise<void> {
  const out = terminalOutput(flags);
  const thresholds = {
    tolerance: fraction("--tolerance", flags.tolerance, TOLERANCE),
    agreement: fraction("--agreement", flags.agreement, AGREEMENT),
  };
  const comparison = await openComparison([file, flags.against], inputs, flags, GENERATED);
  const { a, b, pairs, notes } = comparison;
  let result: Verification;
  try {
    for (const note of notes) out.note(`note: ${note}`);
    result = await verify(a, b, pairs, thresholds);
  } finally {
    await comparison.dispose();
  }
  const { ok } = result;
  out.result({ ...result, ...thresholds, backends: [a.backend, b.backend] });
  const rows = [
    ["images", count(result.images)],
    ["largest relative error", result.maxRelativeError.toExponential(1)],
    [`within ${thresholds.tolerance}`, percent(result.withinTolerance)],
    ["same top-1 class", percent(result.top1Agreement)],
    ["sign flips", result.flips === null ? "cannot be seen" : count(result.flips)],
    ["backends", `${a.backend} and ${b.backend}`],
    ["verdict", ok ? "the same network" : "they differ"],
  ];
  out.line(table([`${file} against ${flags.against}`, ""], rows, ["left", "left"]));
  if (ok) return;
  const names = new Set(a.names);
  const canBisect = b.names.some((name) => names.has(name)) && flags.maps === undefined;
  const advice = canBisect
    ? `. Where they part: ${bisectCommand([file, flags.against], inputs, command)}`
    : "";
  throw new OnebitError(
    `${file} and ${flags.against} differ: ${reasonOf(result, thresholds)}${advice}`,
  );
}

/** On the same images, which are prepared in the same way. */
function bisectCommand(
  files: readonly string[],
  inputs: readonly string[],
  command: Command,
): string {
  const others = ["against", "tolerance", "agreement", "json"];
  const given = command.options
    .filter((option) => !others.includes(option.attributeName()))
    .filter((option) => command.getOptionValueSource(option.attributeName()) === "cli")
    .flatMap((option) => [option.long!, String(command.getOptionValue(option.attributeName()))]);
  return shellCommand("onebit", "bisect", ...files, ...inputs, ...given);
}

function reasonOf(
  { images, unexplained, withinTolerance, top1Agreement }: Verification,
  { tolerance, agreement }: { readonly tolerance: number; readonly agreement: number },
): string {
  if (images === 0) return "there were no images";
  if (top1Agreement < agreement) {
    const why = unexplained === 0 ? ", though each parts at a sign within rounding errors" : "";
    return `the top-1 class is the same for ${percent(top1Agreement)} of the images, ${percent(agreement)} are wanted${why}`;
  }
  if (unexplained) {
    return `${unexplained} of ${images} images are beyond ${tolerance} without a sign at its threshold`;
  }
  return `${percent(withinTolerance)} of the images are within ${tolerance}, 90 % are wanted`;
}

import { OnebitError } from "onebit";
import { counted, onebitCommand } from "onebit/words";
import { openComparison } from "../compare/open.js";
import { type Verification, verify as verifyPairs } from "../compare/verify.js";
import { command } from "../flags/command.js";
import { compareFlags } from "../flags/compare.js";
import { flag } from "../flags/flag.js";
import type { Given } from "../flags/given.js";
import { json } from "../flags/json.js";
import { maps } from "../flags/maps.js";
import { fraction, words } from "../flags/readers.js";
import { tolerance } from "../flags/tolerance.js";
import { count, percent, table, terminalOutput } from "../terminal.js";

const TOLERANCE = 1e-4;
const AGREEMENT = 0.9;
const GENERATED = 8;

export const verify = command({
  name: "verify",
  arguments: ["<file>", "[images...]"],
  about: "check that two networks say the same: packed, float or ONNX, on any backends",
  flags: [
    flag("--against <model>", ".onebit, .safetensors, a run, or .onnx", words).required(),
    tolerance.means("largest relative error where no sign flips").byDefault(TOLERANCE),
    flag("--agreement <x>", "smallest share of equal top-1 classes", fraction(AGREEMENT)).byDefault(
      AGREEMENT,
    ),
    maps.means("of the first network, if it is packed: how it keeps maps between steps"),
    ...compareFlags,
  ],
  async run([file, inputs], flags, given) {
    const out = terminalOutput(flags);
    const { against, tolerance, agreement } = flags;
    const thresholds = { tolerance, agreement };
    const how = { flags, given, generated: GENERATED };
    const comparison = await openComparison([file, against], inputs, how);
    const { a, b, pairs, notes } = comparison;
    let result: Verification;
    try {
      for (const note of notes) out.note(`note: ${note}`);
      result = await verifyPairs(a, b, pairs, thresholds);
    } finally {
      await comparison.dispose();
    }
    const { ok } = result;
    const backends = [a.subject.backend, b.subject.backend];
    out.result({ ...result, ...thresholds, backends });
    const { top1Agreement, outputs } = result;
    const rows = [
      ["images", count(result.images)],
      ["largest relative error", result.maxRelativeError.toExponential(1)],
      [`within ${tolerance}`, percent(result.withinTolerance)],
      top1Agreement === null
        ? ["outputs compared", outputs.join(", ")]
        : ["same top-1 class", percent(top1Agreement)],
      ["sign flips", result.flips === null ? "cannot be seen" : count(result.flips)],
      ["backends", backends.join(" and ")],
      ["verdict", ok ? "the same network" : "they differ"],
    ];
    out.line(table([`${file} against ${against}`, ""], rows, ["left", "left"]));
    if (ok) return;
    const names = new Set(a.inside.names);
    const canBisect = b.inside.names.some((name) => names.has(name)) && flags.maps === undefined;
    const advice = canBisect
      ? `. Where they part: ${bisectCommand([file, against], inputs, given)}`
      : "";
    throw new OnebitError(
      `${file} and ${against} differ: ${reasonOf(result, thresholds)}${advice}`,
    );
  },
});

/** On the same images, which are prepared in the same way. */
function bisectCommand(files: readonly string[], inputs: readonly string[], given: Given): string {
  const same = given.words(compareFlags.filter(({ key }) => key !== json.key));
  return onebitCommand("bisect", ...files, ...inputs, ...same);
}

function reasonOf(
  { images, unexplained, withinTolerance, top1Agreement }: Verification,
  { tolerance, agreement }: { readonly tolerance: number; readonly agreement: number },
): string {
  if (images === 0) return "there were no images";
  if (top1Agreement !== null && top1Agreement < agreement) {
    const why = unexplained === 0 ? ", though each parts at a sign within rounding errors" : "";
    return `the top-1 class is the same for ${percent(top1Agreement)} of the images, ${percent(agreement)} are wanted${why}`;
  }
  if (unexplained) {
    return `${unexplained} of ${counted(images, "image")} beyond ${tolerance} without a sign at its threshold`;
  }
  return `${percent(withinTolerance)} of the images are within ${tolerance}, 90 % are wanted`;
}

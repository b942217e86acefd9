import { OnebitError, UsageError } from "onebit";
import { counted, onebitCommand } from "onebit/words";
import { classes, inputSize } from "../flags/architecture.js";
import { command } from "../flags/command.js";
import { flag } from "../flags/flag.js";
import { json } from "../flags/json.js";
import { byteCount } from "../flags/sizes.js";
import { type Candidate, candidates, leastFeatures } from "../suggest/candidates.js";
import { bytes, type Output, percent, si, table, terminalOutput } from "../terminal.js";

/** Sides that presets are made for. */
const SIDES = [16, 128] as const;

export const suggest = command({
  name: "suggest",
  arguments: [],
  about: "presets and widths that fit a device, as C in whole numbers",
  flags: [
    flag("--flash <bytes>", "what constants and code may take, such as 256k", byteCount).required(),
    flag("--ram <bytes>", "what values may take, such as 64k", byteCount).required(),
    inputSize.required(),
    classes.byDefault(10),
    json,
  ],
  more: "The code's size is an estimate for a Cortex-M. Networks are in the order of their 1-bit weights: more usually learn more. What they reach is said where it was measured, and guessed nowhere.",
  async run(_, { flash, ram, input, classes, ...flags }) {
    const out = terminalOutput(flags);
    const [least, most] = SIDES;
    if (input.slice(1).some((side) => side < least || side > most)) {
      throw new UsageError(
        `--input ${input.join("x")}: presets are for sides of ${least} to ${most} pixels`,
      );
    }
    const classifier = classes * leastFeatures();
    if (classifier > flash) {
      throw new OnebitError(
        `--classes ${classes}: the narrowest preset's classifier alone has ${classifier} bytes, more than the ${flash} of flash`,
      );
    }
    const { candidates: all, unfit } = await candidates(input, classes);
    const fits = all
      .filter(({ flashBytes, arenaBytes }) => flashBytes <= flash && arenaBytes <= ram)
      .sort((a, b) => b.binaryParameters - a.binaryParameters);
    if (!fits.length) throw nothingFits(all, { flash, ram, input });
    out.result({ fits, tooLarge: all.filter((one) => !fits.includes(one)), unfit });
    print(out, fits, input);
    const rest = [
      ...(all.length > fits.length ? [`${all.length - fits.length} larger`] : []),
      ...(unfit.length ? [`${unfit.length} that cannot be built for this input`] : []),
    ];
    if (rest.length) out.note(`note: left out: ${rest.join(", ")} (--json names them)`);
  },
});

function print(out: Output, fits: readonly Candidate[], input: readonly number[]): void {
  const rows = fits.map((one) => [
    one.model,
    one.widths.join(","),
    bytes(one.flashBytes),
    bytes(one.arenaBytes),
    si(one.binaryMacs),
    one.measured
      ? `${percent(one.measured.integerTop1)} on ${one.measured.dataset} (${percent(one.measured.top1)} in float)`
      : "not measured",
  ]);
  const head = ["preset", "widths", "flash", "RAM", "1-bit MACs", "top-1"];
  out.line(table(head, rows, ["left", "left", "right", "right", "right", "left"]));
  const [best] = fits;
  const widths = best.widths.join(",");
  out.line();
  out.line(
    `${onebitCommand("train", "--model", best.model, "--widths", widths, "--data", "SPEC", "--out", "RUN")}   # images of ${input.join("x")}`,
  );
}

function nothingFits(
  all: readonly Candidate[],
  { flash, ram, input }: { flash: number; ram: number; input: readonly number[] },
): OnebitError {
  if (!all.length) {
    return new OnebitError(
      `--input ${input.join("x")}: no preset can be built for it: sides that are multiples of 4, better of 16, can be halved often enough`,
    );
  }
  const smallest = (of: (one: Candidate) => number) =>
    all.reduce((least, one) => (of(one) < of(least) ? one : least));
  const byRam = smallest(({ arenaBytes }) => arenaBytes);
  const byFlash = smallest(({ flashBytes }) => flashBytes);
  const name = ({ model, widths }: Candidate) => `${model} of widths ${widths.join(",")}`;
  return new OnebitError(
    `none of ${counted(all.length, "network")} fits ${flash} bytes of flash and ${ram} of RAM: the least RAM is ${byRam.arenaBytes} (${name(byRam)}, ${byRam.flashBytes} of flash), the least flash ${byFlash.flashBytes} (${name(byFlash)}, ${byFlash.arenaBytes} of RAM); smaller images take less RAM`,
  );
}

import { type Command, Option } from "commander";
import { UsageError } from "onebit";
import type { Form, Gate, ModelOptions, Stem } from "onebit/models";

/** What the command line can say about an architecture. */
export interface ArchitectureFlags {
  readonly classes?: string;
  readonly input?: string;
  readonly form?: string;
  readonly widths?: string;
  readonly width?: string;
  readonly depths?: string;
  readonly stemStride?: string;
  readonly stem?: string;
  readonly gate?: string;
  readonly elm?: boolean;
  readonly seReduction?: string;
  readonly quantised?: string;
}

/** Flags that say which network an architecture's name means, under a heading of their own. */
export function addArchitectureOptions(command: Command): Command {
  command
    .optionsGroup(HEADING)
    .option("--classes <n>", "number of classes")
    .option("--input <CxHxW>", "size of the input, such as 3x32x32");
  return addSwitches(command);
}

/** The same for training, which takes the classes and mostly the input size from the data. */
export function addTrainedArchitectureOptions(command: Command): Command {
  command
    .optionsGroup(HEADING)
    .addOption(new Option("--classes <n>").hideHelp())
    .option("--input <CxHxW>", "bring images to this size (default: that of the data)");
  return addSwitches(command);
}

const HEADING = "Architecture:";

function addSwitches(command: Command): Command {
  return command
    .option(
      "--form <form>",
      "binary, step1 (real weights, binary activations) or real (float twin)",
    )
    .option("--widths <list>", "channels of the stem and of each block, such as 32,64,128x2")
    .option("--width <n>", "channels of the first stage (ResNet-like networks)")
    .option("--depths <list>", "blocks of each stage (ResNet-like networks)")
    .option("--stem-stride <n>", "stride of the first convolution, 1 or 2")
    .option("--stem <kind>", "imagenet or small (ResNet-like networks)")
    .option("--gate <kind>", "what the gate sees: mix (BNext), input (Real-to-Binary) or none")
    .option("--no-elm", "BNext without element-wise attention")
    .option("--se-reduction <n>", "channels divided by this inside a gate")
    .option("--quantised <bits>", QUANTISED_HELP);
}

/** Of a flag that import and pack have too. */
export const QUANTISED_HELP =
  "bits of stem, gates and classifier: 4, 8 or 32 each, such as 8-4-8 (BNext)";

/** Checks the flags' form; whether an architecture takes them is buildModel's to say. */
export function architectureOptions(flags: ArchitectureFlags): Partial<ModelOptions> {
  return {
    classes: wholeNumber("--classes", flags.classes),
    input: flags.input === undefined ? undefined : inputSize(flags.input),
    form: flags.form as Form | undefined,
    widths: numberList("--widths", flags.widths),
    width: wholeNumber("--width", flags.width),
    depths: numberList("--depths", flags.depths),
    stemStride: wholeNumber("--stem-stride", flags.stemStride) as 1 | 2 | undefined,
    stem: flags.stem as Stem | undefined,
    gate: flags.gate as Gate | undefined,
    // commander makes --no-elm a default of true, which not every architecture takes.
    elm: flags.elm === false ? false : undefined,
    seReduction: wholeNumber("--se-reduction", flags.seReduction),
    quantised: flags.quantised,
  };
}

/** A file says itself how its network is built. */
export function refuseSwitches(file: string, options: Partial<ModelOptions>): void {
  if (Object.values(options).every((value) => value === undefined)) return;
  throw new UsageError(
    `${file} is a file and says itself how its network is built: leave out --classes, --widths and the like`,
  );
}

export function wholeNumber(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new UsageError(`${flag} ${text}: a positive whole number is wanted`);
}

/** 32,64x2 is 32,64,64. */
function numberList(flag: string, text: string | undefined): number[] | undefined {
  return text?.split(",").flatMap((item) => {
    const [value, times = "1"] = item.trim().split(/x(?=\d{1,3}$)/);
    return new Array<number>(wholeNumber(flag, times)!).fill(wholeNumber(flag, value)!);
  });
}

function inputSize(text: string): [number, number, number] {
  const sizes = text.split("x").map((part) => wholeNumber("--input", part)!);
  if (sizes.length === 3) return sizes as [number, number, number];
  throw new UsageError(`--input ${text}: channels x height x width is wanted, such as 3x32x32`);
}

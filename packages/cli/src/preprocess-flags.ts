import type { PreprocessOverrides } from "@onebit/convert";
import { readClassList } from "@onebit/train/data";
import { type Command, Option } from "commander";
import { UsageError } from "onebit";

/** What the command line can say about how images are prepared. */
export interface PreprocessFlags {
  readonly labels?: string;
  readonly mean?: string;
  readonly std?: string;
  readonly resize?: string;
  readonly crop?: string;
  readonly interpolation?: "bilinear" | "bicubic";
}

export function addPreprocessOptions(command: Command): Command {
  const interpolation = new Option("--interpolation <kind>", "of the resize");
  return command
    .option(
      "--labels <file>",
      "names of the classes: one per line, or .json (a list, or imagenet_class_index.json)",
    )
    .option("--mean <list>", "per channel, or one for all, in units of 0 to 1")
    .option("--std <list>", "per channel, or one for all, in units of 0 to 1")
    .option("--resize <size>", "shorter side, or HxW, before the crop")
    .option("--crop <size>", "side of the centre crop, or HxW, which is the input's size; or none")
    .addOption(interpolation.choices(["bilinear", "bicubic"]));
}

export function preprocessOverrides(flags: PreprocessFlags): PreprocessOverrides {
  const { crop, mean, std, interpolation } = flags;
  const resize = flags.resize === undefined ? undefined : sides("--resize", flags.resize);
  return {
    ...(crop !== undefined && cropped(crop, resize)),
    ...(resize && { resize: resize.length === 1 ? resize[0] : pairOf(resize) }),
    ...(interpolation && { interpolation }),
    ...(mean !== undefined && { mean: means(mean) }),
    ...(std !== undefined && { std: deviations(std) }),
  };
}

/** Without a crop, images keep the size that they are resized to. */
function cropped(crop: string, resize: readonly number[] | undefined): PreprocessOverrides {
  if (crop !== "none") return { crop: "center", size: pairOf(sides("--crop", crop)) };
  return { crop: "none", ...(resize?.length === 2 && { size: pairOf(resize) }) };
}

const pairOf = ([height, width = height]: readonly number[]): [number, number] => [height, width];

/** A packed network or float model says itself how images are prepared. */
export function refusePreprocess(file: string, flags: PreprocessFlags): void {
  const { labels, mean, std, resize, crop, interpolation } = flags;
  if ([labels, mean, std, resize, crop, interpolation].every((flag) => flag === undefined)) return;
  throw new UsageError(
    `${file} says itself how images are prepared: leave out --labels, --mean, --resize and the like, or import it again with them`,
  );
}

export async function labelsOf({ labels }: PreprocessFlags): Promise<string[] | undefined> {
  return labels === undefined ? undefined : [...(await readClassList(labels)).names];
}

/** More is surely a mistake, and could take gigabytes per image. */
const MAX_SIDE = 4096;

/** "224", or "48x64": height, then width. */
function sides(flag: string, text: string): number[] {
  const list = /^[1-9]\d*(x[1-9]\d*)?$/.test(text) ? text.split("x").map(Number) : [];
  if (list.length && list.every((side) => side <= MAX_SIDE)) return list;
  throw new UsageError(
    `${flag} ${text}: a side such as 224, or height x width such as 48x64, of 1 to ${MAX_SIDE}`,
  );
}

function means(text: string): number[] {
  const list = numbers("--mean", text, "0.485,0.456,0.406");
  if (list.every((x) => Math.abs(x) <= 1)) return list;
  throw inBytes("--mean", text, list);
}

function deviations(text: string): number[] {
  const list = numbers("--std", text, "0.229,0.224,0.225");
  if (!list.every((x) => x > 0)) {
    throw new UsageError(`--std ${text}: every number must be above 0, pixels are divided by it`);
  }
  if (list.every((x) => x <= 4)) return list;
  throw inBytes("--std", text, list);
}

/** No picture whose pixels are 0 to 1 has such a mean or deviation. */
function inBytes(flag: string, text: string, list: readonly number[]): UsageError {
  const units = list.map((x) => Number((x / 255).toPrecision(6)));
  return new UsageError(
    `${flag} ${text}: is in units of 0 to 255; 0 to 1 is wanted, which is divided by 255: ${flag} ${units.join(",")}`,
  );
}

function numbers(flag: string, text: string, example: string): number[] {
  const list = text.split(",").map((item) => (item.trim() === "" ? Number.NaN : Number(item)));
  if (list.every(Number.isFinite)) return list;
  throw new UsageError(
    `${flag} ${text}: one number per channel, or one for all, such as ${example}`,
  );
}

import type { PreprocessOverrides } from "@onebit/convert";
import { type Command, Option } from "commander";
import { OnebitError, UsageError } from "onebit";
import { readFileBytes } from "onebit/node";

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
    .option("--labels <file>", "names of the classes: one per line, or a .json list")
    .option("--mean <list>", "per channel, in units of 0 to 1")
    .option("--std <list>", "per channel, in units of 0 to 1")
    .option("--resize <size>", "shorter side, or HxW, before the crop")
    .option("--crop <size>", "side of the centre crop, or HxW, which is the input's size; or none")
    .addOption(interpolation.choices(["bilinear", "bicubic"]));
}

export function preprocessOverrides(flags: PreprocessFlags): PreprocessOverrides {
  const { resize, crop, mean, std, interpolation } = flags;
  const size = crop && crop !== "none" ? sides("--crop", crop) : undefined;
  return {
    ...(size && {
      size: [size[0], size[1] ?? size[0]] as [number, number],
      crop: "center" as const,
    }),
    ...(crop === "none" && { crop: "none" as const }),
    ...(resize && { resize: resizeOf(sides("--resize", resize)) }),
    ...(interpolation && { interpolation }),
    ...(mean && { mean: numbers("--mean", mean) }),
    ...(std && { std: numbers("--std", std) }),
  };
}

/** A packed network or float model says itself how images are prepared. */
export function refusePreprocess(file: string, flags: PreprocessFlags): void {
  const { labels, mean, std, resize, crop, interpolation } = flags;
  if ([labels, mean, std, resize, crop, interpolation].every((flag) => flag === undefined)) return;
  throw new UsageError(
    `${file} says itself how images are prepared: leave out --labels, --mean, --resize and the like, or import it again with them`,
  );
}

export async function labelsOf({ labels }: PreprocessFlags): Promise<string[] | undefined> {
  if (labels === undefined) return undefined;
  const text = new TextDecoder().decode(await readFileBytes(labels));
  if (!labels.endsWith(".json")) return text.trimEnd().split(/\r?\n/);
  const list = parseJson(labels, text);
  if (Array.isArray(list) && list.every((label) => typeof label === "string")) return list;
  throw new OnebitError(`${labels}: must be a JSON list of strings, one per class`);
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

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new OnebitError(`${path}: not JSON (${(error as Error).message})`);
  }
}

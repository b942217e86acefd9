import type { PreprocessOverrides } from "@onebit/convert";
import { type FlagValues, flag } from "./flag.js";
import { misread, oneOf, type Reader } from "./readers.js";
import { ofOnnx } from "./scopes.js";

/** More is surely a mistake, and could take gigabytes per image. */
const MAX_SIDE = 4096;

/** "224", or "48x64": height, then width. */
const sides: Reader<readonly number[]> = {
  read(text, name) {
    const list = /^[1-9]\d*(x[1-9]\d*)?$/.test(text) ? text.split("x").map(Number) : [];
    if (list.length && list.every((side) => side <= MAX_SIDE)) return list;
    throw misread(
      name,
      text,
      `a side such as 224, or height x width such as 48x64, of 1 to ${MAX_SIDE}`,
    );
  },
};

const cropSides: Reader<"none" | readonly number[]> = {
  read: (text, name) => (text === "none" ? text : sides.read(text, name)),
};

const means: Reader<number[]> = {
  read(text, name) {
    const list = numbers(text, name, "0.485,0.456,0.406");
    if (list.every((x) => Math.abs(x) <= 1)) return list;
    throw inBytes(text, name, list);
  },
};

const deviations: Reader<number[]> = {
  read(text, name) {
    const list = numbers(text, name, "0.229,0.224,0.225");
    if (!list.every((x) => x > 0)) {
      throw misread(name, text, "every number must be above 0, pixels are divided by it");
    }
    if (list.every((x) => x <= 4)) return list;
    throw inBytes(text, name, list);
  },
};

/** No picture whose pixels are 0 to 1 has such a mean or deviation. */
function inBytes(text: string, name: string, list: readonly number[]) {
  const units = list.map((x) => Number((x / 255).toPrecision(6)));
  return misread(
    name,
    text,
    `is in units of 0 to 255; 0 to 1 is wanted, which is divided by 255: ${name} ${units.join(",")}`,
  );
}

function numbers(text: string, name: string, example: string): number[] {
  const list = text.split(",").map((item) => (item.trim() === "" ? Number.NaN : Number(item)));
  if (list.every(Number.isFinite)) return list;
  throw misread(name, text, `one number per channel, or one for all, such as ${example}`);
}

/** How images are prepared. */
export const preprocessFlags = [
  flag("--mean <list>", "per channel, or one for all, in units of 0 to 1", means).of(ofOnnx),
  flag("--std <list>", "per channel, or one for all, in units of 0 to 1", deviations).of(ofOnnx),
  flag("--resize <size>", "shorter side, or HxW, before the crop", sides).of(ofOnnx),
  flag(
    "--crop <size>",
    "side of the centre crop, or HxW, which is the input's size; or none",
    cropSides,
  ).of(ofOnnx),
  flag("--interpolation <kind>", "of the resize", oneOf(["bilinear", "bicubic"])).of(ofOnnx),
] as const;

export type PreprocessFlags = FlagValues<typeof preprocessFlags>;

export function preprocessOverrides(flags: PreprocessFlags): PreprocessOverrides {
  const { crop, resize, interpolation, mean, std } = flags;
  return {
    ...(crop !== undefined && cropped(crop, resize)),
    ...(resize && { resize: resize.length === 1 ? resize[0] : pairOf(resize) }),
    ...(interpolation && { interpolation }),
    ...(mean && { mean }),
    ...(std && { std }),
  };
}

/** Without a crop, images keep the size that they are resized to. */
function cropped(
  crop: "none" | readonly number[],
  resize: readonly number[] | undefined,
): PreprocessOverrides {
  if (crop !== "none") return { crop: "center", size: pairOf(crop) };
  return { crop: "none", ...(resize?.length === 2 && { size: pairOf(resize) }) };
}

const pairOf = ([height, width = height]: readonly number[]): [number, number] => [height, width];

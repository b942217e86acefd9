import { OnebitError, visible } from "onebit";
import { counted } from "onebit/words";
import { atOnce } from "../../own/at-once.js";
import { isModule, loadOwn, moduleName, shown } from "../../own/own-module.js";
import type { Random } from "../random.js";
import type { RawImage } from "../split.js";
import type { ImageAugmentation } from "./augmentation.js";
import type { Option } from "./options.js";
import type { AugmentOptions } from "./settings.js";

/**
 * The default export of a module that `own` names: an image of the network's size, as bytes, to another of the
 * same size and channels. All its randomness comes from `random`, which image, view and seed decide: so a
 * resumed run sees the same, whatever the threads.
 */
export type OwnAugmentation = (image: RawImage, random: Random) => RawImage;

/** Of a user's own augmentation: never taken for a bad picture. */
export class OwnAugmentationError extends OnebitError {}

/** By addresses; loaded before a batch is filled, since filling does not wait. */
const loaded = new Map<string, OwnAugmentation>();

/** Makes the module that `own` names, if any, ready for use. OnebitError or UsageError where it is none. */
export async function loadOwnAugmentation(augment: AugmentOptions = {}): Promise<void> {
  const { own } = augment;
  const url = typeof own === "object" && "module" in own ? own.module : own;
  if (typeof url !== "string" || loaded.has(url)) return;
  loaded.set(url, await loadOwn<OwnAugmentation>(url, "an augmentation", { "": "function" }));
}

const modulePath: Option<string> = {
  usual: "",
  problem: (value) =>
    typeof value === "string" && isModule(value)
      ? undefined
      : `${JSON.stringify(value)} must be the path of a module, such as ./grain.mjs`,
};

export const own: ImageAugmentation<{ module: string }> = {
  name: "own",
  of: "image",
  description: "a function of your own, the default export of a module",
  source: "yours",
  options: { module: modulePath },
  bare: ["module"],
  make({ module }, { channels, size: [height, width] }) {
    const change = loaded.get(module);
    if (!change) throw new OnebitError(`augment.own: ${module} has not been loaded`);
    return (image, random) => {
      const made = attempt(module, change, image, random);
      const wanted = height * width * channels;
      const isBytes = isByteArray(made?.data);
      const fits = made?.height === height && made.width === width && made.channels === channels;
      if (isBytes && fits && made.data.length === wanted) return made;
      throw new OwnAugmentationError(
        `${moduleName(module)} returns ${described(made)}: an image of ${width}x${height} pixels and ${counted(channels, "channel")} is wanted, its data a Uint8Array of ${wanted}`,
      );
    };
  },
};

function isByteArray(data: unknown): boolean {
  return data instanceof Uint8Array || data instanceof Uint8ClampedArray;
}

function attempt(
  module: string,
  change: OwnAugmentation,
  image: RawImage,
  random: Random,
): RawImage {
  try {
    // It may be a part of the data set, and the function may write into it.
    return atOnce(() => change({ ...image, data: image.data.slice() }, random));
  } catch (cause) {
    throw new OwnAugmentationError(`${moduleName(module)} fails: ${visible(String(cause))}`, {
      cause,
    });
  }
}

function described(made: unknown): string {
  if (typeof made !== "object" || made === null || made instanceof Promise) return shown(made);
  const { width, height, channels, data } = made as Partial<RawImage>;
  const length = data && "length" in data ? `(${data.length})` : "";
  return `width ${width}, height ${height}, channels ${channels}, data ${data?.constructor.name}${length}`;
}

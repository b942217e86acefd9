import { UsageError } from "onebit";
import { type Preprocess, parsePreprocess } from "onebit/image";
import type { ModelEntry } from "onebit/models";

export type InputSize = readonly [channels: number, height: number, width: number];

export type PreprocessOverrides = { readonly [field in keyof Preprocess]?: Preprocess[field] };

interface Network {
  readonly entry: ModelEntry;
  readonly classes: number;
  readonly input: InputSize;
}

/** Sides of what the weights cannot tell: the entry's own for its classes or more, else 32. */
export function defaultSides({ entry, classes }: Omit<Network, "input">): [number, number] {
  const [, height, width] = entry.input;
  return classes === entry.classes || classes >= 1000 ? [height, width] : [32, 32];
}

const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
/** As BNext's CIFAR training has them. */
const cifar = { mean: [0.507, 0.487, 0.441], std: [0.267, 0.256, 0.276] };

/**
 * The family's published preprocessing for its published input size. Else the shorter side becomes
 * the input's and a square is cut out (inputs that are not square: images are stretched), with the
 * means of CIFAR for 10 or 100 classes at 32x32, ImageNet's, or grey's 0.5.
 */
export function preprocessFor(network: Network, overrides: PreprocessOverrides): Preprocess {
  return overridden(defaultsFor(network), overrides);
}

/** A network's preprocessing, but for what the caller knows better. */
export function overridden(defaults: Preprocess, overrides: PreprocessOverrides): Preprocess {
  const { size, resize, crop } = overrides;
  if (size && size.join() !== defaults.size.join()) {
    const input = [defaults.channels, ...defaults.size].join("x");
    throw new UsageError(`images of ${size.join("x")} for an input of ${input}`);
  }
  // A number says nothing about the longer side, and no crop leaves nothing to cut off.
  const cut = typeof resize === "number" ? { crop: "center" } : {};
  const stretched = crop === "none" ? { resize: defaults.size } : {};
  const told = perChannel(overrides, defaults.channels);
  return fitting(parsePreprocess({ ...defaults, ...cut, ...stretched, ...told }));
}

/** One number of mean or std counts for every channel. */
function perChannel(overrides: PreprocessOverrides, channels: number): PreprocessOverrides {
  const told = { ...overrides };
  for (const field of ["mean", "std"] as const) {
    const list = overrides[field];
    if (!list || list.length === channels) continue;
    if (list.length !== 1) {
      throw new UsageError(
        `${field} ${list.join(",")}: ${list.length} numbers for ${channels} channel${channels === 1 ? "" : "s"}: one for all or one for each is wanted`,
      );
    }
    told[field] = new Array<number>(channels).fill(list[0]);
  }
  return told;
}

/** UsageError where no picture, whatever its shape, could come out at the network's size. */
function fitting(p: Preprocess): Preprocess {
  const { resize, crop, size } = p;
  const wanted = size.join("x");
  if (resize === undefined) return p;
  if (crop === "none") {
    if (typeof resize !== "number" && resize.join() === size.join()) return p;
    throw new UsageError(
      `resize ${[resize].flat().join("x")} without a crop does not give ${wanted}, which the network takes: say resize ${wanted}, or let the crop be cut out`,
    );
  }
  const [height, width] = typeof resize === "number" ? [resize, resize] : resize;
  const isSmall =
    typeof resize === "number" ? resize < Math.min(...size) : height < size[0] || width < size[1];
  if (!isSmall) return p;
  throw new UsageError(
    `resize ${[resize].flat().join("x")} is smaller than the crop of ${wanted}, which is cut out of it: say at least ${typeof resize === "number" ? Math.max(...size) : wanted}`,
  );
}

function defaultsFor({ entry, classes, input }: Network): Preprocess {
  const [channels, height, width] = input;
  const { preprocess: published } = entry;
  const size: [number, number] = [height, width];
  if (published && input.join() === [published.channels, ...published.size].join())
    return published;
  const isCifar = height === 32 && width === 32 && (classes === 10 || classes === 100);
  const colour = isCifar ? cifar : imagenet;
  return {
    ...fitted(size),
    ...{ channels: channels as 1 | 3, interpolation: published?.interpolation ?? "bilinear" },
    ...(channels === 1 ? { mean: [0.5], std: [0.5] } : colour),
  };
}

/** A square is cut out of the resized image; for an input that is not square it is stretched. */
export function fitted(size: [number, number]): Pick<Preprocess, "size" | "resize" | "crop"> {
  const [height, width] = size;
  const how = height === width ? ({ resize: height, crop: "center" } as const) : undefined;
  return { size, ...(how ?? { resize: size, crop: "none" }) };
}

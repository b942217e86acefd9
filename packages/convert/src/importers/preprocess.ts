import { UsageError } from "onebit";
import { type Preprocess, parsePreprocess } from "onebit/image";
import { counted } from "onebit/words";

/** Size of the images that a network takes. */
export type InputSize = readonly [channels: number, height: number, width: number];

/** Fields of a preparation of images that the caller says; the others stay. */
export type PreprocessOverrides = { readonly [field in keyof Preprocess]?: Preprocess[field] };

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
        `${field} ${list.join(",")}: ${counted(list.length, "number")} for ${counted(channels, "channel")}: one for all or one for each is wanted`,
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

/** A square is cut out of the resized image; for an input that is not square it is stretched. */
export function fitted(size: [number, number]): Pick<Preprocess, "size" | "resize" | "crop"> {
  const [height, width] = size;
  const how = height === width ? ({ resize: height, crop: "center" } as const) : undefined;
  return { size, ...(how ?? { resize: size, crop: "none" }) };
}

import { UsageError } from "onebit";
import type { Preprocess } from "onebit/image";
import { overridden, type PreprocessOverrides } from "../importers/preprocess.js";
import type { OnnxImageType } from "./input-type.js";

interface Images {
  readonly channels: 1 | 3;
  readonly size: [height: number, width: number];
  readonly inputType: OnnxImageType;
}

interface Settings {
  /** Given where images come as tensors of that size: how pictures would become it is no matter. */
  readonly size?: readonly [height: number, width: number];
  readonly preprocess?: PreprocessOverrides;
}

const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
/** Leaves pixels as they are, 0 to 255. */
const identity = { mean: [0], std: [1 / 255] };

/** What settings say, then the file's metadata, then the usual ImageNet habits, which are noted. */
export function preparation(
  { channels, size, inputType }: Images,
  stored: Preprocess | undefined,
  settings: Settings,
  notes: string[],
): { readonly preprocess: Preprocess; readonly normalisationAssumed: boolean } {
  const takesPixels = inputType === "uint8";
  const told = { ...(takesPixels && identity), ...settings.preprocess };
  const isFitting = stored?.channels === channels && stored.size.join() === size.join();
  const assumed = usual(channels, size);
  const normalisationAssumed = !isFitting && !(told.mean && told.std);
  if (!isFitting) {
    if (normalisationAssumed) {
      const values = `mean ${assumed.mean.join(",")} and std ${assumed.std.join(",")}`;
      notes.push(`the file does not say how images are normalised: ${values} are assumed`);
    }
    if (!settings.size && told.resize === undefined && told.crop === undefined) {
      notes.push(
        `the file does not say how pictures become ${size.join("x")}: the shorter side becomes ${assumed.resize} and the middle is cut out; --resize and --crop say otherwise`,
      );
    }
  }
  const chosen = overridden(isFitting ? stored : assumed, { ...told, size });
  return { preprocess: takesPixels ? ofPixels(chosen) : chosen, normalisationAssumed };
}

function usual(channels: 1 | 3, size: [number, number]): Preprocess {
  const colour = channels === 3 ? imagenet : { mean: [0.5], std: [0.5] };
  const resize = Math.round((Math.max(...size) * 8) / 7);
  return { size, channels, resize, crop: "center", interpolation: "bilinear", ...colour };
}

/** A network that takes pixels normalises them itself. */
function ofPixels(p: Preprocess): Preprocess {
  const isKept = p.mean.every((x) => Math.abs(x) < 1e-4);
  if (isKept && p.std.every((x) => Math.abs(255 * x - 1) < 1e-3)) {
    return { ...p, mean: p.mean.map(() => 0), std: p.std.map(() => 1 / 255) };
  }
  throw new UsageError(
    `mean ${p.mean.join(",")} and std ${p.std.join(",")}: the network takes pixels as they are, 0 to 255 (uint8), and normalises them itself: leave out both`,
  );
}

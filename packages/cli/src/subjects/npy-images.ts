import type { OnnxImageType } from "@onebit/convert";
import { modelKind, openPacked } from "@onebit/train/subjects";
import { OnebitError } from "onebit";
import type { Preprocess } from "onebit/image";
import { counted } from "onebit/words";
import { type NpyArray, readNpy } from "../npy.js";

/**
 * Images [N, C, H, W] of a NumPy file for a network; one [C, H, W] counts as N = 1. OnebitError,
 * with the NumPy that mends it, where axes are missing or in another order.
 */
export async function readNpyImages(path: string, network: string): Promise<NpyArray> {
  const array = await readNpy(path);
  const { kind, channels } = await takenBy(network);
  const shape =
    kind === "vector" ? rowsShape(array.shape, channels!) : imagesShape(array.shape, channels);
  if (typeof shape !== "string") return { ...array, shape };
  const wanted =
    kind === "vector" ? `rows [N, ${channels}] are` : "images [N, channels, height, width] are";
  throw new OnebitError(`${path}: has shape [${array.shape}]; ${wanted} wanted${shape}`);
}

/** Height and width of images [N, C, H, W]; undefined for rows [N, C]. */
export function sizeOf({ shape }: NpyArray): readonly [number, number] | undefined {
  return shape.length === 4 ? [shape[2], shape[3]] : undefined;
}

/** What a packed network takes; others take images of 1 or 3 channels. */
async function takenBy(network: string): Promise<{ kind: string; channels?: number }> {
  if ((await modelKind(network, "network")) !== "packed") return { kind: "map" };
  const { program } = await openPacked(network);
  const { kind, shape } = program.values[program.input];
  return { kind, channels: shape[2] };
}

/** [N, C] of what is no image, or what is wrong, as the end of a message. */
function rowsShape(shape: Shape, channels: number): Shape | string {
  if (shape.some((size) => size === 0)) return ", and this holds none";
  if (shape.length === 1 && shape[0] === channels) return [1, channels];
  if (shape.length === 2 && shape[1] === channels) return shape;
  return shape.at(-1) === channels ? `: x.reshape(-1, ${channels})` : "";
}

type Shape = readonly number[];

/** [N, C, H, W], or what is wrong, as the end of a message. */
function imagesShape(shape: Shape, channels: number | undefined): Shape | string {
  if (shape.some((size) => size === 0)) return ", and this holds none";
  const isChannels = (size: number) => (channels ? size === channels : size === 1 || size === 3);
  switch (shape.length) {
    case 2:
      return ": x[None, None] is one grey picture; flat images become x.reshape(-1, channels, height, width)";
    case 3:
      if (isChannels(shape[0])) return [1, ...shape];
      if (isChannels(shape[2])) return ": the channels are last here: x.transpose(2, 0, 1)[None]";
      return !channels || channels === 1
        ? ": grey images without their axis of channels? x[:, None]"
        : ofChannels(shape[0], channels);
    case 4:
      if (isChannels(shape[1])) return shape;
      if (isChannels(shape[3])) return ": the channels are last here: x.transpose(0, 3, 1, 2)";
      return channels ? ofChannels(shape[1], channels) : shape;
    default:
      return "";
  }
}

function ofChannels(given: number, wanted: number): string {
  const grey = given === 1 ? `: grey becomes colour by x.repeat(${wanted}, axis=1)` : "";
  return `, of ${counted(wanted, "channel")}, not ${given}${grey}`;
}

/** How a network wants its images. */
export interface WantedImages {
  readonly preprocess?: Preprocess;
  /** uint8: pixels as they are. */
  readonly inputType?: OnnxImageType;
}

/**
 * Notes about values that are finite floats, but hardly normalised images. OnebitError for whole
 * numbers where the network takes images but no pixels, and for NaN and infinity, with their place.
 */
export function checkNpyImages(path: string, images: NpyArray, wanted: WantedImages): string[] {
  refuseNonFinite(path, images);
  const isRows = images.shape.length === 2;
  if (isRows || wanted.inputType === "uint8") return [];
  const { dtype, data } = images;
  const [low, high] = extremes(data);
  if (!dtype.includes("float")) {
    throw new OnebitError(
      `${path}: is ${dtype}, ${low} to ${high}: ${normalised(wanted)}; or give the pictures themselves, which are prepared here`,
    );
  }
  const doubt = doubtAbout(low, high, wanted);
  return doubt ? [`${path}: ${doubt}: ${normalised(wanted)}`] : [];
}

function refuseNonFinite(path: string, { shape, data }: NpyArray): void {
  const first = data.findIndex((x) => !Number.isFinite(x));
  if (first < 0) return;
  const place: number[] = [];
  let rest = first;
  for (const size of [...shape].reverse()) {
    place.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  const count = data.reduce((n, x) => n + Number(!Number.isFinite(x)), 0);
  throw new OnebitError(
    `${path}: ${count} of ${data.length} values are no finite numbers, the first is ${data[first]} at [${place.join(", ")}]: what they belong to has no scores; leave them out or mend them`,
  );
}

function extremes(data: Float32Array): [low: number, high: number] {
  let [low, high] = [data[0], data[0]];
  for (const x of data) {
    if (x < low) low = x;
    else if (x > high) high = x;
  }
  return [low, high];
}

/** Far beyond what prepared pictures hold, or without the negative half that they have. */
function doubtAbout(low: number, high: number, { preprocess }: WantedImages): string | undefined {
  if (low < 0) return undefined;
  const { mean, std } = preprocess ?? { mean: [0.5], std: [0.25] };
  const least = Math.max(...mean.map((m, c) => (0 - m) / std[c]));
  const most = Math.max(...mean.map((m, c) => (1 - m) / std[c]));
  if (high > 4 * most && high > 4) return `values of ${low} to ${high} look like pixels`;
  const isUnit = high <= 1 && high > 0.5 && least < -0.5;
  return isUnit ? `values of ${low} to ${high} look like pixels over 255` : undefined;
}

function normalised({ preprocess }: WantedImages): string {
  if (!preprocess) return "normalised images are wanted, as in the network's training";
  const { mean, std } = preprocess;
  return `normalised images are wanted, (pixel / 255 - mean) / std with mean ${mean.join(",")} and std ${std.join(",")}`;
}

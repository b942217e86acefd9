import { OnebitError, UsageError } from "onebit";
import { type Preprocess, parsePreprocess } from "onebit/image";
import { counted, shellWord } from "onebit/words";
import { assumedLabels, checkLabels } from "../importers/labels.js";
import type { PreprocessOverrides } from "../importers/preprocess.js";
import { imageType, type OnnxImageType, onnxTypeName } from "./input-type.js";
import type { OnnxDimension, OnnxFile, OnnxValueInfo } from "./model.js";
import { preparation } from "./preparation.js";
import { type ScoreKind, scoreKind } from "./scores.js";

/**
 * Where an ONNX network has the channels of its images: before height and width, or behind them.
 */
export type OnnxLayout = "nchw" | "nhwc";

/** What the file may leave open, or say wrongly. */
export interface OnnxSettings {
  /** Default: where the 1 or 3 channels stand in the input's shape. */
  readonly layout?: OnnxLayout;
  /** Height and width of the images, where the file leaves them open. */
  readonly size?: readonly [height: number, width: number];
  /** Output that holds the class scores; default: "logits", or the only one of rank 2. */
  readonly output?: string;
  readonly labels?: readonly string[];
  readonly preprocess?: PreprocessOverrides;
}

/** How a classifier in ONNX is fed and read. */
export interface OnnxClassifierInfo {
  readonly inputName: string;
  /** uint8: the network takes pixels as they are, 0 to 255. */
  readonly inputType: OnnxImageType;
  readonly outputName: string;
  readonly layout: OnnxLayout;
  readonly input: { readonly channels: 1 | 3; readonly height: number; readonly width: number };
  /** Images per call where the file fixes them. */
  readonly batch: number | undefined;
  readonly classes: number;
  /** As far as the operators tell; `OnnxClassifier.open` finds out the rest. */
  readonly scores: ScoreKind;
  readonly labels?: readonly string[];
  /** Neither the file nor settings name the classes: labels are ImageNet's, for there are as many. */
  readonly labelsAssumed: boolean;
  readonly preprocess: Preprocess;
  /** Mean and deviation are the usual ones, for neither the file nor settings say them. */
  readonly normalisationAssumed: boolean;
  /** What had to be assumed, a sentence each. */
  readonly notes: readonly string[];
}

/** float32, float16, float64: what scores may be. */
const FLOATS: readonly number[] = [1, 10, 11];

/**
 * How to feed and read an image classifier: one input of rank 4, one score per class.
 * Preprocessing comes from flags, then from the file's metadata (as `onebit export` writes it), then
 * from the usual ImageNet habits, which is noted. OnebitError where it is no classifier; UsageError
 * where settings contradict it.
 */
export function describeClassifier(
  file: OnnxFile,
  settings: OnnxSettings = {},
): OnnxClassifierInfo {
  const notes: string[] = [];
  const image = imageInput(file);
  const shape = image.shape!;
  const layout = layoutOf(image, settings.layout);
  const at = layout === "nchw" ? { c: 1, h: 2, w: 3 } : { c: 3, h: 1, w: 2 };
  const stored = storedPreprocess(file, notes);
  const channels = channelsOf(shape[at.c], stored, notes);
  const size = sizeOf([shape[at.h], shape[at.w]], settings, stored);
  const inputType = imageType(image.name, image.type);
  const output = scoreOutput(file, settings.output);
  const classes = classesOf(output, settings, file);
  const scores = scoreKind(file, output.name);
  const batch = batchOf(shape[0], output);
  checkMemory(batch ?? 1, channels * size[0] * size[1], classes);
  if (scores === "sigmoid") {
    notes.push(
      "it ends in a sigmoid, which judges every class alone: that is undone, and percentages and losses are those of a softmax over all classes",
    );
  }
  return {
    ...{ inputName: image.name, inputType, outputName: output.name, layout, classes, scores },
    input: { channels, height: size[0], width: size[1] },
    batch,
    ...labelsOf(file, settings.labels, { channels, classes }, notes),
    ...preparation({ channels, size, inputType }, stored, settings, notes),
    notes,
  };
}

/** 2^28 numbers are 1 GiB. */
const MOST = 2 ** 28;

/** What must be held for one call, which a file of few bytes can claim to be anything. */
function checkMemory(batch: number, pixels: number, classes: number): void {
  for (const [what, each] of [
    ["values of images", pixels],
    ["scores", classes],
  ] as const) {
    if (batch * each <= MOST) continue;
    throw new OnebitError(
      `${counted(batch, "image")} at a time with ${each} ${what} each are more than ${MOST}: export the network for fewer at a time`,
    );
  }
}

/** Some exporters leave the batch of the images open, but not that of the scores. */
function batchOf(images: OnnxDimension, { shape }: OnnxValueInfo): number | undefined {
  if (typeof images === "number") return images;
  const isOne = shape?.length === 1 || (shape && shape.length > 1 && shape[0] === 1);
  return isOne ? 1 : undefined;
}

function imageInput({ inputs }: OnnxFile): OnnxValueInfo {
  if (inputs.length !== 1) {
    const names = inputs.map(({ name }) => name).join(", ") || "none";
    throw new OnebitError(`an image classifier has one input, this model has ${names}`);
  }
  const [input] = inputs;
  if (input.shape?.length === 4) return input;
  throw new OnebitError(
    `input "${input.name}" has shape ${shapeText(input.shape)}: images have four dimensions`,
  );
}

function layoutOf({ name, shape }: OnnxValueInfo, told?: OnnxLayout): OnnxLayout {
  if (told) return told;
  const isChannels = (dim: OnnxDimension) => dim === 1 || dim === 3;
  const [, second, , last] = shape!;
  if (isChannels(last) && !isChannels(second)) return "nhwc";
  if (isChannels(second) || typeof second !== "number") return "nchw";
  throw new OnebitError(
    `input "${name}" has shape ${shapeText(shape)}: neither its second nor its last dimension is 1 or 3 channels`,
  );
}

function channelsOf(dim: OnnxDimension, stored: Preprocess | undefined, notes: string[]): 1 | 3 {
  if (dim === 1 || dim === 3) return dim;
  if (typeof dim === "number") {
    throw new OnebitError(`its images have ${dim} channels; 1 (grey) or 3 (colour) can be fed`);
  }
  if (!stored) notes.push("the file leaves the channels open: 3 are assumed");
  return stored?.channels ?? 3;
}

function sizeOf(
  dims: readonly OnnxDimension[],
  { size, preprocess }: OnnxSettings,
  stored: Preprocess | undefined,
): [number, number] {
  const told = size ?? preprocess?.size;
  const wanted = told ?? stored?.size;
  const sides = dims.map((dim, axis) => (typeof dim === "number" ? dim : wanted?.[axis]));
  const [height, width] = sides;
  if (height === undefined || width === undefined) {
    throw new UsageError(
      "the file leaves the size of its images open: say it with --crop 224 (and --resize 256, if the shorter side should be longer before), or --crop none --resize 224x224",
    );
  }
  if (told && told.join() !== sides.join()) {
    throw new UsageError(`images of ${told.join("x")} for a network that takes ${height}x${width}`);
  }
  return [height, width];
}

function scoreOutput({ outputs }: OnnxFile, told: string | undefined): OnnxValueInfo {
  const named = outputs.find(({ name }) => name === (told ?? "logits"));
  if (named && (told !== undefined || FLOATS.includes(named.type))) return floats(named);
  const found = outputs.map(valueText).join(", ");
  if (told !== undefined) {
    throw new UsageError(`there is no output "${told}": there are ${found || "none"}`);
  }
  const scores = outputs.filter(({ type }) => FLOATS.includes(type));
  const flat = scores.filter(({ shape }) => !shape || shape.length === 2);
  const candidates =
    [flat, scores.filter(isOnePixel), scores.filter(isOneImage)].find((list) => list.length > 0) ??
    [];
  if (candidates.length === 1) return candidates[0];
  if (candidates.length > 1) {
    throw new OnebitError(
      `several outputs could be the scores of the classes: ${found}: say which, such as --output-name ${shellWord(candidates[0].name)}`,
    );
  }
  throw new OnebitError(
    `not a classifier: one output of a score per class, [N, classes], is wanted; there are ${found || "none"}`,
  );
}

function floats(output: OnnxValueInfo): OnnxValueInfo {
  if (FLOATS.includes(output.type)) return output;
  throw new OnebitError(
    `output "${output.name}" is ${onnxTypeName(output.type)}: scores are float32, float16 or float64`,
  );
}

/** [N, classes, 1, 1], or the same with channels last. */
function isOnePixel({ shape }: OnnxValueInfo): boolean {
  return shape?.length === 4 && shape.slice(1).filter((dim) => dim === 1).length === 2;
}

/** [classes], of a network that squeezes away its batch of one. */
function isOneImage({ shape }: OnnxValueInfo): boolean {
  return shape?.length === 1 && typeof shape[0] === "number" && shape[0] > 1;
}

function classesOf({ name, shape }: OnnxValueInfo, { labels }: OnnxSettings, file: OnnxFile) {
  const perImage = shape?.length === 1 ? shape : shape?.slice(1);
  const sizes = (perImage ?? []).filter((dim) => dim !== 1);
  if (sizes.length > 1) {
    throw new OnebitError(`output "${name}" has shape ${shapeText(shape)}, not a score per class`);
  }
  const [size] = sizes;
  const isOne = shape && shape.length > 1 && sizes.length === 0;
  if (isOne) {
    throw new OnebitError(
      `output "${name}" has shape ${shapeText(shape)}, one score for each image: two classes have two here; export the network with a score for each`,
    );
  }
  const classes = typeof size === "number" ? size : (labels ?? storedLabels(file))?.length;
  if (classes) return classes;
  throw new OnebitError(
    `output "${name}" has shape ${shapeText(shape)}, which does not tell how many classes there are: name them with --labels`,
  );
}

function labelsOf(
  file: OnnxFile,
  told: readonly string[] | undefined,
  { channels, classes }: { readonly channels: number; readonly classes: number },
  notes: string[],
): Pick<OnnxClassifierInfo, "labels" | "labelsAssumed"> {
  if (told) {
    checkLabels(told, classes);
    return { labels: told, labelsAssumed: false };
  }
  const stored = storedLabels(file);
  if (stored?.length === classes) return { labels: stored, labelsAssumed: false };
  if (stored) {
    notes.push(
      `the file names ${counted(stored.length, "class")}, it has ${classes}: names are not used`,
    );
  }
  const assumed = channels === 3 && !stored ? assumedLabels(classes) : undefined;
  notes.push(...(assumed?.notes ?? []));
  return { labels: assumed?.names, labelsAssumed: assumed !== undefined };
}

function storedLabels({ metadata }: OnnxFile): string[] | undefined {
  const list = jsonOf(metadata.labels);
  const isList = Array.isArray(list) && list.every((label) => typeof label === "string");
  return isList ? list : undefined;
}

function storedPreprocess({ metadata }: OnnxFile, notes: string[]): Preprocess | undefined {
  if (metadata.preprocess === undefined) return undefined;
  try {
    return parsePreprocess(jsonOf(metadata.preprocess), "metadata preprocess");
  } catch (error) {
    notes.push(`${(error as Error).message}: not used`);
    return undefined;
  }
}

function jsonOf(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function valueText({ name, type, shape }: OnnxValueInfo): string {
  const kind = FLOATS.includes(type) ? "" : `${onnxTypeName(type)} `;
  return `${name} ${kind}${shapeText(shape)}`;
}

function shapeText(shape: readonly OnnxDimension[] | undefined): string {
  return shape ? `[${shape.map((dim) => dim ?? "?").join(", ")}]` : "unknown";
}

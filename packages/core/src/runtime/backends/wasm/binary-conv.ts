import {
  borderClasses,
  isPadded,
  type MapShape,
  reductionLength,
} from "../../../program/geometry.js";
import type { BinaryConvStep } from "../../../program/types.js";
import {
  LOOKUP_TILE,
  PAIR_BYTES,
  PAIR_TAIL_BYTES,
  PAIR_WORD_BYTES,
  PIXEL_BYTES,
  POPCOUNT_TILE,
  type Records,
  SCALAR_TILE,
  SUMS_BYTES,
  THREE_BYTES,
} from "./agreed.js";
import type { OutputRange } from "./channel-ranges.js";
import type { Instruction, RowInstructions } from "./instruction.js";
import type { BinaryConvKernel } from "./kernel-choice.js";
import { at, type Field, type MemoryPlan, type Place } from "./memory-plan.js";
import type { ValueLayout } from "./value-layout.js";

export interface BinaryConvInput {
  readonly plan: MemoryPlan;
  readonly step: BinaryConvStep;
  readonly index: number;
  readonly weight: Uint8Array;
  readonly source: ValueLayout;
  /** Of the accumulator, and the rows of it per block. */
  readonly shape: MapShape;
  readonly blockRows: number;
  readonly parallel: boolean;
  /** Of the program's steps so far. */
  readonly pairedImages: Map<string, ImageLayout>;
}

interface Compiled {
  /** Run once, then on the rows of an image of the input. */
  readonly prologue: readonly Instruction[];
  readonly before?: RowInstructions;
  /** Of each range of outputs. */
  readonly bodies: readonly Instruction[];
}

/** The instructions that compute a block of the accumulator. */
export function compileBinaryConv(
  input: BinaryConvInput,
  kernel: BinaryConvKernel,
  ranges: readonly OutputRange[],
): Compiled {
  if (kernel === "depthwise") return depthwiseKernel(input, ranges);
  if (kernel === "lookup") return lookupKernel(input, ranges);
  return wordKernel(input, kernel === "scalar" ? SCALAR : POPCOUNT, ranges);
}

/** Tables of kernels/depthwise-conv.ts. */
function depthwiseKernel(input: BinaryConvInput, ranges: readonly OutputRange[]): Compiled {
  const { plan, step, shape, blockRows } = input;
  // A pixel's channels are one group, from which the image is made.
  const image = groupedImage({ ...input, step: { ...step, groups: 1 } });
  const taps = step.kernel[0] * step.kernel[1];
  const offsets = Array.from({ length: taps }, (_, tap) => tapOffset(step, image, tap));
  const words = image.groupBytes / 4;
  const { starts, rowClasses, columnClasses } = prepareWeights(input);
  const weights = plan.constant(depthwiseWeights(input.weight, step.out, taps));
  const scratch = plan.scratch(blockRows * shape[1] * PIXEL_BYTES);
  const bodies = ranges.map(({ first, count, dst }): Instruction => {
    const [origin, row, column] = windowFields(input, image, count);
    const window = [origin, row, column, words, image.groupBytes, count] as const;
    const runs = [taps, plan.constant(new Int32Array(offsets)), 4] as const;
    const own = [weights, at(starts, 4 * first), rowClasses, columnClasses] as const;
    const layer: Records["BinaryLayer"] = [...window, ...runs, ...own, scratch, 0];
    return { op: "depthwiseConv", channels: count, dst, s: plan.constant(layer) };
  });
  return { prologue: image.prologue, bodies };
}

/** A bit of each of 32 channels in a word: [kernel position][word]. */
function depthwiseWeights(weight: Uint8Array, channels: number, taps: number): Int32Array {
  const rowBytes = weight.length / channels;
  const words = Math.ceil(channels / 32);
  const masks = new Int32Array(taps * words);
  for (let c = 0; c < channels; c++)
    for (let tap = 0; tap < taps; tap++) {
      const bit = (weight[c * rowBytes + (tap >> 3)] >> (tap & 7)) & 1;
      masks[tap * words + (c >> 5)] |= bit << (c & 31);
    }
  return masks;
}

/** Forms that count the bits of words. */
interface WordKernel {
  readonly op: "popcountConv" | "scalarConv";
  readonly tiling: "tileWords" | "tileLongs";
  /** Outputs side by side. */
  readonly tile: number;
  /** Bytes that a run is filled up to. */
  readonly wordBytes: number;
}

const POPCOUNT: WordKernel = {
  op: "popcountConv",
  tiling: "tileWords",
  tile: POPCOUNT_TILE,
  wordBytes: 4,
};
const SCALAR: WordKernel = {
  op: "scalarConv",
  tiling: "tileLongs",
  tile: SCALAR_TILE,
  wordBytes: 8,
};

/** Tables of kernels/popcount-conv.ts and kernels/scalar-conv.ts. */
function wordKernel(
  input: BinaryConvInput,
  { op, tiling, tile, wordBytes }: WordKernel,
  ranges: readonly OutputRange[],
): Compiled {
  const { plan, step, shape, blockRows } = input;
  const image = groupedImage(input);
  const offsets = runsOf(step).map(([tap]) => tapOffset(step, image, tap));
  const run = tapsTogether(step) * image.groupBytes;
  const runs = [offsets.length, plan.constant(new Int32Array(offsets)), run] as const;
  const outputBytes = offsets.length * Math.ceil(run / wordBytes) * wordBytes;
  const weights = prepareWeights(input, tiling, tiledBytes(step, tile, outputBytes));
  const scratch = plan.scratch(blockRows * shape[1] * PIXEL_BYTES);
  const bodies = ranges.map(({ first, count, dst }): Instruction => {
    const window = windowFields(input, image, count);
    const own = weightFields(weights, first, outputBytes);
    const layer: Records["BinaryLayer"] = [...window, ...runs, ...own, scratch, 0];
    return { op, channels: count, dst, s: plan.constant(layer) };
  });
  return { prologue: image.prologue, bodies };
}

/** Threes of nibbles whose counts of differences, 12 at most, fit into a byte. */
const MAX_THREES = 21;

/** Tables of kernels/lookup-conv.ts. */
function lookupKernel(input: BinaryConvInput, ranges: readonly OutputRange[]): Compiled {
  const { plan, step, shape, blockRows } = input;
  const { image, prologue, pairing } = pairedImage(input);
  const runs = runsOf(step);
  const offsets = runs.map(([tap]) => tapOffset(step, image, tap));
  const threes = Math.ceil((runs[0].length * image.groupBytes) / THREE_BYTES);
  const parts = Math.ceil(threes / MAX_THREES);
  const pairsPerBlock = blockRows * Math.ceil(shape[1] / 2) + 1;
  const runBytes = threes * THREE_BYTES;
  const run = [offsets.length, plan.constant(new Int32Array(offsets)), runBytes] as const;
  const partBytes = Math.ceil(threes / parts) * THREE_BYTES;
  const outputBytes = 3 * runs.length * threes;
  const weights = prepareWeights(input, "tileNibbles", tiledBytes(step, LOOKUP_TILE, outputBytes));
  const scratch = plan.scratch(SUMS_BYTES + pairsPerBlock * PAIR_BYTES);
  const bodies = ranges.map(({ first, count, dst }): Instruction => {
    const window = windowFields(input, image, count);
    const own = weightFields(weights, first, outputBytes);
    const layer: Records["BinaryLayer"] = [...window, ...run, ...own, scratch, partBytes];
    return { op: "lookupConv", channels: count, dst, s: plan.constant(layer) };
  });
  return { prologue, before: pairing, bodies };
}

/**
 * The input as pairs of pixels (kernels/pair-nibbles.ts), and how to make them. Convolutions of the
 * same bits with the same stride (ReActNet's doubled 1x1) share them.
 */
function pairedImage(input: BinaryConvInput): {
  image: ImageLayout;
  prologue: readonly Instruction[];
  pairing?: RowInstructions;
} {
  const { plan, step, source, index, pairedImages, parallel } = input;
  const key = [step.input, step.stride[1], step.groups, step.padValue === "replicate"].join();
  const known = pairedImages.get(key);
  if (known) {
    plan.keep(known.place, index);
    return { image: known, prologue: [] };
  }
  const single = groupedImage(input);
  const words = single.pixelBytes / 4;
  const rows = source.bytes / source.rowBytes;
  const rowWords = single.rowBytes / 4;
  const image = {
    place: plan.temporary(rows * rowWords * PAIR_WORD_BYTES + PAIR_TAIL_BYTES, index, index),
    pixelBytes: words * PAIR_WORD_BYTES,
    rowBytes: rowWords * PAIR_WORD_BYTES,
    groupBytes: (single.groupBytes / 4) * PAIR_WORD_BYTES,
  };
  pairedImages.set(key, image);
  const apart = step.stride[1] * words;
  const pairs: Records["Pairs"] = [single.place, image.place, rows, rowWords, apart];
  const pairNibbles: Instruction = { op: "pairNibbles", channels: 0, s: plan.constant(pairs) };
  return {
    image,
    prologue: single.prologue,
    pairing: { instructions: [pairNibbles], rows, parallel },
  };
}

/** First window, its advances, and the groups, of `outputs` in all. */
function windowFields({ step, source }: BinaryConvInput, image: ImageLayout, outputs: number) {
  const top = (source.border[0] - step.padding[0]) * image.rowBytes;
  const left = (source.border[1] - step.padding[1]) * image.pixelBytes;
  return [
    at(image.place, top + left),
    step.stride[0] * image.rowBytes,
    step.stride[1] * image.pixelBytes,
    step.groups,
    image.groupBytes,
    outputs / step.groups,
  ] as const;
}

/** Kernel positions whose input lies side by side: those of a row, with one group and no dilation. */
function tapsTogether({ kernel, groups, dilation }: BinaryConvStep): number {
  return groups === 1 && !dilation ? kernel[1] : 1;
}

function runsOf(step: BinaryConvStep): number[][] {
  const together = tapsTogether(step);
  const runs = (step.kernel[0] * step.kernel[1]) / together;
  return Array.from({ length: runs }, (_, run) =>
    Array.from({ length: together }, (_, tap) => run * together + tap),
  );
}

function tapOffset(
  { kernel, dilation = [1, 1] }: BinaryConvStep,
  image: ImageLayout,
  tap: number,
): number {
  const [y, x] = [Math.floor(tap / kernel[1]) * dilation[0], (tap % kernel[1]) * dilation[1]];
  return y * image.rowBytes + x * image.pixelBytes;
}

export interface ImageLayout {
  readonly place: Place;
  readonly pixelBytes: number;
  readonly rowBytes: number;
  /** Bytes from one group's channels to the next. */
  readonly groupBytes: number;
}

interface Image extends ImageLayout {
  readonly prologue: Instruction[];
}

/**
 * The input where each group starts at a word, and the border is as the step pads: the value itself, or a
 * copy made by the prologue.
 */
function groupedImage({ plan, step, source, index }: BinaryConvInput): Image {
  const replicates = step.padValue === "replicate";
  const channels = source.value.shape[2] / step.groups;
  const groupBytes = Math.ceil(channels / 32) * 4;
  const { place, pixelBytes, rowBytes } = source;
  if (!replicates && (step.groups === 1 || channels % 32 === 0)) {
    return { place, pixelBytes, rowBytes, groupBytes, prologue: [] };
  }
  const [rows, columns] = [source.bytes / rowBytes, rowBytes / pixelBytes];
  const copyPixel = step.groups * groupBytes;
  const copy = plan.temporary(rows * columns * copyPixel, index, index);
  const groups = [step.groups, channels, groupBytes] as const;
  const border = replicates ? source.border : ([0, 0] as const);
  const extent = [rows, columns, ...border] as const;
  const table: Records["Regroup"] = [place, copy, pixelBytes, copyPixel, ...extent, ...groups];
  return {
    place: copy,
    pixelBytes: copyPixel,
    rowBytes: columns * copyPixel,
    groupBytes,
    prologue: [{ op: "regroup", channels, s: plan.constant(table) }],
  };
}

function tiledBytes({ groups, out }: BinaryConvStep, tile: number, outputBytes: number): number {
  return groups * Math.ceil(out / groups / tile) * tile * outputBytes;
}

interface Weights {
  readonly weights: Place;
  readonly starts: Place;
  /** Of rows and of columns, as bytes into starts. */
  readonly rowClasses: Place;
  readonly columnClasses: Place;
}

/** Outputs from `first` on, which begins a tile. */
function weightFields(
  { weights, starts, rowClasses, columnClasses }: Weights,
  first: number,
  outputBytes: number,
) {
  const own = [at(weights, first * outputBytes), at(starts, 4 * first)] as const;
  return [...own, rowClasses, columnClasses] as const;
}

/**
 * Has the weights tiled, where a kernel wants that, and the starts derived when the program is loaded.
 *
 * What an accumulator starts from: the number of products, and for a window over the border what
 * its 0 bits, read as -1, got wrong: (padValue + 1) * (sum of the weights outside).
 */
function prepareWeights(
  { plan, step, source, shape, weight }: BinaryConvInput,
  op?: "tileWords" | "tileLongs" | "tileNibbles",
  bytes = 0,
): Weights {
  const [height, width, channels] = source.value.shape;
  const { kernel, groups, out } = step;
  const taps = kernel[0] * kernel[1];
  const runTaps = tapsTogether(step);
  const outside = step.padValue === "replicate" ? -1 : step.padValue;
  const correct = isPadded(step) ? outside + 1 : 0;
  plan.checkSize(4 * (shape[0] + shape[1]));
  const rows = borderClasses(height, shape[0], step, 0, correct !== 0);
  const columns = borderClasses(width, shape[1], step, 1, correct !== 0);
  const classBytes = out * 4;
  const weights = plan.reserve(bytes);
  const starts = plan.reserve(
    rows.ranges.length * columns.ranges.length * classBytes + STARTS_OVERREAD,
  );
  const borders: Records["Borders"] = [
    plan.constant(new Int32Array(rows.ranges.flat())),
    rows.ranges.length,
    plan.constant(new Int32Array(columns.ranges.flat())),
    columns.ranges.length,
    ...kernel,
    reductionLength(step, channels),
    correct,
  ];
  const t = plan.constant(borders);
  const corners = (kernel[0] + 1) * (kernel[1] + 1) * 4;
  plan.prepare(weight, Math.max(TILING_SCRATCH, corners), (from, scratch) => {
    const rowBytes = weight.length / out;
    const sizes = [rowBytes, groups, out / groups, channels / groups] as const;
    const tiling = (to: Field) => {
      const table: Records["Tiling"] = [from, to, ...sizes, runTaps, taps / runTaps, scratch];
      return plan.constant(table);
    };
    const tiled: Instruction[] = op ? [{ op, channels: 0, s: tiling(weights) }] : [];
    return [...tiled, { op: "borderStarts", channels: 0, s: tiling(starts), t }];
  });
  const rowBytes = columns.ranges.length * classBytes;
  const classes = (list: Int32Array, bytes: number) => {
    return plan.constant(list.map((index) => index * bytes));
  };
  const rowClasses = classes(rows.classes, rowBytes);
  return { weights, starts, rowClasses, columnClasses: classes(columns.classes, classBytes) };
}

const TILING_SCRATCH = 512;
/** The kernels read the starts of a whole tile of outputs. */
const STARTS_OVERREAD = 4 * LOOKUP_TILE;

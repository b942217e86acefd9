import { type MapShape, reductionLength } from "../../../program/geometry.js";
import type { BinaryConvStep } from "../../../program/types.js";
import { borderClasses } from "./border-classes.js";
import type { Instruction, Operand } from "./instruction.js";
import { at, type Field, type MemoryPlan, type Place } from "./memory-plan.js";
import { type TiledBits, tapSums, tileBits } from "./tile-bits.js";
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
}

/** Tables of kernels/binary-conv.ts: the prologue and the instruction that computes a block. */
export function compileBinaryConv(
  input: BinaryConvInput,
  dst: Operand,
): { prologue: Instruction[]; body: Instruction } {
  const { plan, step, source, shape, blockRows, index } = input;
  const image = groupedImage(input);
  const window = at(
    image.place,
    (source.border[0] - step.padding[0]) * image.rowBytes +
      (source.border[1] - step.padding[1]) * image.pixelBytes,
  );
  const runs = runsOf(step, image);
  const tiled = tileBits(input.weight, step, source.value.shape[2]);
  const starts = borderStarts(input, tiled);
  const groupOut = step.out / step.groups;
  const table: Field[] = [
    window,
    step.stride[0] * image.rowBytes,
    step.stride[1] * image.pixelBytes,
    step.groups,
    image.groupBytes,
    groupOut,
    runs.offsets.length,
    plan.constant(Int32Array.from(runs.offsets)),
    runs.bytes,
    plan.constant(tiled.data),
    starts.table,
    starts.rows,
    starts.columns,
    plan.temporary(blockRows * shape[1] * 8, index, index),
  ];
  const body: Instruction = { op: "binaryConv", channels: step.out, dst, s: plan.constant(table) };
  return { prologue: image.prologue, body };
}

interface Image {
  readonly place: Place;
  readonly pixelBytes: number;
  readonly rowBytes: number;
  /** Bytes from one group's channels to the next. */
  readonly groupBytes: number;
  readonly prologue: Instruction[];
}

/** The input where each group starts at a word: the value itself, or a copy made by the prologue. */
function groupedImage({ plan, step, source, index }: BinaryConvInput): Image {
  const channels = source.value.shape[2] / step.groups;
  const groupBytes = Math.ceil(channels / 32) * 4;
  const { place, pixelBytes, rowBytes } = source;
  if (step.groups === 1 || channels % 32 === 0) {
    return { place, pixelBytes, rowBytes, groupBytes, prologue: [] };
  }
  const pixels = source.bytes / pixelBytes;
  const copyPixel = step.groups * groupBytes;
  const copy = plan.temporary(pixels * copyPixel, index, index);
  const table = [place, copy, pixels, pixelBytes, copyPixel, step.groups, channels, groupBytes];
  return {
    place: copy,
    pixelBytes: copyPixel,
    rowBytes: (rowBytes / pixelBytes) * copyPixel,
    groupBytes,
    prologue: [{ op: "regroup", channels, s: plan.constant(table) }],
  };
}

/** Neighbouring words of a window: with one group a whole row of the kernel, else one position. */
function runsOf(step: BinaryConvStep, image: Image): { offsets: number[]; bytes: number } {
  const [kernelY, kernelX] = step.kernel;
  const rows = Array.from({ length: kernelY }, (_, ky) => ky * image.rowBytes);
  if (step.groups === 1) return { offsets: rows, bytes: kernelX * image.pixelBytes };
  const columns = Array.from({ length: kernelX }, (_, kx) => kx * image.pixelBytes);
  return {
    offsets: rows.flatMap((row) => columns.map((column) => row + column)),
    bytes: image.groupBytes,
  };
}

/**
 * What an accumulator starts from: the number of products, and for a window over the border what
 * its 0 bits, read as -1, got wrong: (padValue + 1) * (sum of the weights outside).
 */
function borderStarts(
  { plan, step, source, shape }: BinaryConvInput,
  tiled: TiledBits,
): { table: Place; rows: Place; columns: Place } {
  const [height, width, channels] = source.value.shape;
  const products = reductionLength(step, channels);
  const correct = step.padValue !== -1 && Math.max(...step.padding) > 0;
  const rows = borderClasses(height, shape[0], step, 0, correct);
  const columns = borderClasses(width, shape[1], step, 1, correct);
  // The kernel reads 8 channels at a time.
  const classBytes = step.out * 4;
  const bytes = rows.ranges.length * columns.ranges.length * classBytes + 32;
  plan.checkSize(bytes);
  const table = new Int32Array(bytes / 4).fill(products);
  if (correct) {
    const sums = tapSums(tiled, step, channels);
    let start = 0;
    for (const y of rows.ranges) {
      for (const x of columns.ranges) {
        addOutside(table.subarray(start, start + step.out), sums, step, y, x);
        start += step.out;
      }
    }
  }
  const rowBytes = columns.ranges.length * classBytes;
  return {
    table: plan.constant(table),
    rows: plan.constant(Int32Array.from(rows.classes, (row) => row * rowBytes)),
    columns: plan.constant(Int32Array.from(columns.classes, (column) => column * classBytes)),
  };
}

type Range = readonly [start: number, end: number];

function addOutside(
  starts: Int32Array,
  sums: Int32Array,
  { kernel, padValue, out }: BinaryConvStep,
  y: Range,
  x: Range,
): void {
  for (let ky = 0; ky < kernel[0]; ky++) {
    for (let kx = 0; kx < kernel[1]; kx++) {
      if (ky >= y[0] && ky < y[1] && kx >= x[0] && kx < x[1]) continue;
      const tap = (ky * kernel[1] + kx) * out;
      for (let o = 0; o < out; o++) starts[o] += (padValue + 1) * sums[tap + o];
    }
  }
}

/**
 * A binary convolution as the kernels see it, and the windows of a block of its pixels.
 *
 * Border: a padded position is a 0 bit, that is -1, in memory. `starts` takes that back:
 * products + (padValue + 1) * (sum of the weights that fall outside), one per class of rows and
 * columns that see the same part of the kernel.
 */
import { PIXEL_BYTES } from "./agreed";
import { own } from "./instruction";

@unmanaged
export class BinaryLayer {
  /** First byte of the first window: bits, or pairs of pixels (kernels/pair-nibbles.ts). */
  input: usize;
  /** Bytes from one output row, or column, to the next. */
  rowAdvance: usize;
  columnAdvance: usize;
  groups: i32;
  groupBytes: usize;
  groupOut: i32;
  runs: i32;
  /** Bytes from the window's first byte to each run of neighbouring words. */
  runOffsets: usize;
  runBytes: usize;
  weights: usize;
  /** [row class][column class][output channel] int32. */
  starts: usize;
  /** Per output row, and column: bytes into starts. */
  rowClasses: usize;
  columnClasses: usize;
  scratch: usize;
  /** Lookups only: bytes of a run whose counts fit into a byte. */
  partBytes: usize;
}

/** Lists the pixels of a block in scratch; returns where. */
export function listPixels(layer: BinaryLayer, firstRow: i32, rows: i32, width: i32): usize {
  const list = own(layer.scratch);
  let entry = list;
  for (let y = firstRow; y < firstRow + rows; y++) {
    const rowClass = layer.starts + load<usize>(layer.rowClasses + (<usize>y << 2));
    let window = layer.input + <usize>y * layer.rowAdvance;
    for (let x = 0; x < width; x++) {
      store<usize>(entry, window);
      store<usize>(entry, rowClass + load<usize>(layer.columnClasses + (<usize>x << 2)), 4);
      window += layer.columnAdvance;
      entry += PIXEL_BYTES;
    }
  }
  return list;
}

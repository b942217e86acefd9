/**
 * Mean over a map, per channel.
 *
 *   for each row y of the block, each 4 channels
 *     sums[y][c] = ((a[0] + a[1]) + a[2]) + ...      float32, in the order of x
 *   after the last block, for each channel
 *     dst[c] = fround((sums[0][c] + sums[1][c] + ...) / (rows * width))      float64, in the order of y
 *
 * Tile: 1 pixel x 4 channels, sums in registers. Cost: a load and an add per 4 elements.
 * Measured (node kernels/measure.mjs; V8 of Node 20, shared AVX-512 core, 1 thread, best run):
 * 0.16 ns per element (bound by the latency of the adds, whose order is fixed).
 */
import { Instruction, VECTOR, vectorBytes } from "./instruction";

/** dst: table of row sums, dstAdvance: bytes per row. */
export function rowSums(i: Instruction, firstRow: i32, rows: i32): void {
  const bytes = vectorBytes(i.channels);
  const first = <usize>(firstRow * i.width);
  let row = i.a + first * i.aAdvance;
  let dst = i.dst + <usize>firstRow * i.dstAdvance;
  for (let y = 0; y < rows; y++) {
    for (let c: usize = 0; c < bytes; c += VECTOR) {
      let a = row + c;
      let sum = f32x4.splat(0);
      for (let x = 0; x < i.width; x++) {
        sum = f32x4.add(sum, v128.load(a));
        a += i.aPixel;
      }
      v128.store(dst + c, sum);
    }
    row += <usize>i.width * i.aPixel;
    dst += i.dstAdvance;
  }
}

/** a: table of row sums, aAdvance: bytes per row, dst: first channel written. */
export function mean(i: Instruction): void {
  const count = <f64>(i.rows * i.width);
  for (let c: usize = 0; c < <usize>i.channels; c++) {
    let sum: f64 = 0;
    let a = i.a + (c << 2);
    for (let y = 0; y < i.rows; y++) {
      sum += <f64>load<f32>(a);
      a += i.aAdvance;
    }
    store<f32>(i.dst + (c << 2), <f32>(sum / count));
  }
}

/**
 * Mean over a map, per channel, from the sums of its rows, which an epilogue has left.
 *
 *   dst[c] = fround((sums[0][c] + sums[1][c] + ...) / (rows * width))      float64, in the order of y
 */
import { Instruction } from "./instruction";

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

/**
 * Mean over a map, per channel, from the sums of its rows, which an epilogue has left.
 *
 *   dst[c] = fround((sums[0][c] + sums[1][c] + ...) / (rows * width))      float64, in the order of y
 *
 * Tile: 2 channels. Cost per row of them: a load, a conversion, an addition.
 */
import { Instruction, storeLanes } from "./instruction";

/** a: table of row sums, aAdvance: bytes per row, dst: first channel written. */
export function mean(i: Instruction): void {
  const count = f64x2.splat(<f64>(i.rows * i.width));
  for (let c = 0; c < i.channels; c += 2) {
    let sum = f64x2.splat(0);
    let a = i.a + (<usize>c << 2);
    for (let y = 0; y < i.rows; y++) {
      sum = f64x2.add(sum, f64x2.promote_low_f32x4(v128.load64_zero(a)));
      a += i.aAdvance;
    }
    const means = f32x4.demote_f64x2_zero(f64x2.div(sum, count));
    storeLanes(i.dst + (<usize>c << 2), means, min(2, i.channels - c));
  }
}

/**
 * Numbers on a grid of 2^bits levels between the smallest and the largest of their group.
 *
 *   gridRange, once:    for each 4 channels c, for each pixel
 *                         low[c] = min(low[c], clip(a[c])), high[c] = max(high[c], clip(a[c]))
 *                       one group for all channels: low = min low[c], high = max high[c]
 *                       range = (high - low) + 1e-8
 *   grid, per block:    dst = (nearest(((clip(a) - low) / range) * levels) / levels) * range + low
 *
 * Tile: 1 pixel x 4 channels. Cost per 4 elements: 7 instructions for the range, 12 for the grid, of
 * them 2 divisions. Not measured alone: it sees pooled vectors, and maps only before real 1x1 shortcuts.
 */
import { blockStart, Instruction, VECTOR, vectorBytes } from "./instruction";

@unmanaged
class Grid {
  clip: f32;
  levels: f32;
}

/** x < clip ? x : clip, then x > -clip ? x : -clip: NaN becomes clip. */
@inline
function clipTo(x: v128, clip: v128): v128 {
  const low = f32x4.neg(clip);
  const below = v128.bitselect(x, clip, f32x4.lt(x, clip));
  return v128.bitselect(below, low, f32x4.gt(below, low));
}

/** dst: lows, then ranges, a vector each; s: Grid; u: 1 where all channels are one group. */
export function gridRange(i: Instruction): void {
  const bytes = vectorBytes(i.channels);
  const pixels = i.rows * i.width;
  const clip = f32x4.splat(changetype<Grid>(i.s).clip);
  for (let c: usize = 0; c < bytes; c += VECTOR) {
    let low = f32x4.splat(Infinity);
    let high = f32x4.splat(-Infinity);
    let a = i.a + c;
    for (let p = 0; p < pixels; p++) {
      const x = clipTo(v128.load(a), clip);
      low = f32x4.min(low, x);
      high = f32x4.max(high, x);
      a += i.aPixel;
    }
    v128.store(i.dst + c, low);
    v128.store(i.dst + bytes + c, high);
  }
  if (i.u) uniteGroups(i, bytes);
  for (let c: usize = 0; c < bytes; c += VECTOR) {
    // Adding 0 takes the sign off -0.
    const low = f32x4.add(v128.load(i.dst + c), f32x4.splat(0));
    const range = f32x4.sub(v128.load(i.dst + bytes + c), low);
    v128.store(i.dst + c, low);
    v128.store(i.dst + bytes + c, f32x4.add(range, f32x4.splat(1e-8)));
  }
}

/** The lanes past the last channel hold anything: only the channels count. */
function uniteGroups(i: Instruction, bytes: usize): void {
  let low: f32 = Infinity;
  let high: f32 = -Infinity;
  const end = i.dst + (<usize>i.channels << 2);
  for (let at = i.dst; at < end; at += 4) {
    low = min(low, load<f32>(at));
    high = max(high, load<f32>(at + bytes));
  }
  for (let c: usize = 0; c < bytes; c += VECTOR) {
    v128.store(i.dst + c, f32x4.splat(low));
    v128.store(i.dst + bytes + c, f32x4.splat(high));
  }
}

/** s: Grid; t: what gridRange left. */
export function grid(i: Instruction, firstRow: i32, rows: i32): void {
  const first = firstRow * i.width;
  const pixels = rows * i.width;
  const start = blockStart(i, first);
  const bytes = vectorBytes(i.channels);
  const clip = f32x4.splat(changetype<Grid>(i.s).clip);
  const levels = f32x4.splat(changetype<Grid>(i.s).levels);
  for (let c: usize = 0; c < bytes; c += VECTOR) {
    const low = v128.load(i.t + c);
    const range = v128.load(i.t + bytes + c);
    let a = i.a + <usize>first * i.aAdvance + c;
    let dst = start + c;
    for (let p = 0; p < pixels; p++) {
      const x = f32x4.sub(clipTo(v128.load(a), clip), low);
      const code = f32x4.nearest(f32x4.mul(f32x4.div(x, range), levels));
      v128.store(dst, f32x4.add(f32x4.mul(f32x4.div(code, levels), range), low));
      a += i.aPixel;
      dst += i.dstPixel;
    }
  }
}

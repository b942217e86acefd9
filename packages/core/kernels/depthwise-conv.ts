/**
 * Binary convolution of each channel by itself, exact: acc = products - 2 * (positions whose bits differ).
 *
 *   for each pixel, each word of 32 channels
 *     for each kernel position:  five planes of bits count, upright, what differs of x ^ w
 *     for each 4 channels:       dst = float(start[border class] - 2 * (plane 0 + 2 * plane 1 + ... + 16 * plane 4))
 *
 * Tile: 1 pixel x 32 channels; at most 31 kernel positions. Weights: [kernel position][word]. Cost per 32 outputs:
 * 17 scalar instructions for each kernel position, then 8 times 25 of SIMD.
 */
import { PIXEL_BYTES } from "./agreed";
import { BinaryLayer, listPixels } from "./binary-layer";
import { blockStart, Instruction } from "./instruction";

/** s: BinaryLayer, of as many groups as a pixel has words and as many runs as the kernel has positions. */
export function depthwiseConv(i: Instruction, firstRow: i32, rows: i32): void {
  const conv = changetype<BinaryLayer>(i.s);
  const pixels = rows * i.width;
  let entry = listPixels(conv, firstRow, rows, i.width);
  let dst = blockStart(i, firstRow * i.width);
  for (let p = 0; p < pixels; p++) {
    onePixel(conv, load<usize>(entry), load<usize>(entry, 4), dst, i.channels);
    entry += PIXEL_BYTES;
    dst += i.dstPixel;
  }
}

function onePixel(conv: BinaryLayer, window: usize, start: usize, dst: usize, channels: i32): void {
  const runsEnd = conv.runOffsets + (<usize>conv.runs << 2);
  const tapBytes = <usize>conv.groups << 2;
  for (let first = 0; first < channels; first += 32) {
    const word = <usize>first >> 3;
    let w = conv.weights + word;
    let p0: u32 = 0, p1: u32 = 0, p2: u32 = 0, p3: u32 = 0, p4: u32 = 0;
    for (let r = conv.runOffsets; r != runsEnd; r += 4) {
      let carry = load<u32>(window + load<usize>(r) + word) ^ load<u32>(w);
      let next = p0 & carry;
      p0 ^= carry;
      carry = p1 & next;
      p1 ^= next;
      next = p2 & carry;
      p2 ^= carry;
      carry = p3 & next;
      p3 ^= next;
      p4 ^= carry;
      w += tapBytes;
    }
    const end = min(first + 32, channels);
    let lanes = i32x4(1, 2, 4, 8);
    for (let c = first; c < end; c += 4) {
      const at = <usize>c << 2;
      let acc = v128.load(start + at);
      acc = subtractPlane(acc, p0, lanes, 1);
      acc = subtractPlane(acc, p1, lanes, 2);
      acc = subtractPlane(acc, p2, lanes, 3);
      acc = subtractPlane(acc, p3, lanes, 4);
      acc = subtractPlane(acc, p4, lanes, 5);
      v128.store(dst + at, f32x4.convert_i32x4_s(acc));
      lanes = i32x4.shl(lanes, 4);
    }
  }
}

/** Less 2^shift in the lanes whose bits the plane has. */
@inline
function subtractPlane(acc: v128, plane: u32, lanes: v128, shift: i32): v128 {
  const set = i32x4.ne(v128.and(i32x4.splat(plane), lanes), i32x4.splat(0));
  return i32x4.add(acc, i32x4.shl(set, shift));
}

/**
 * Window maximum and window mean of a map.
 *
 *   for each output pixel (y, x), each 4 channels
 *     for ky, kx inside the image
 *       max:      m = v > m ? v : m, from -Infinity
 *       average:  s = s + v, from 0, then s / (kh * kw)
 *
 * Of bits a maximum is their OR, 32 channels at a time.
 *
 * Tile: 1 pixel x 4 channels. Cost: a load and 1 (average) or 2 (max) instructions per 4 elements.
 * Measured in BNext-T (its 2x2 average pools): 0.5 ms of 32.
 */
import { blockStart, Instruction, VECTOR, vectorBytes } from "./instruction";

@unmanaged
class Pool {
  input: usize;
  height: i32;
  width: i32;
  kernelY: i32;
  kernelX: i32;
  strideY: i32;
  strideX: i32;
  paddingY: i32;
  paddingX: i32;
}

@inline
function poolBlock(i: Instruction, firstRow: i32, rows: i32, maximum: bool): void {
  const pool = changetype<Pool>(i.s);
  const bytes = vectorBytes(i.channels);
  const pixel = i.aPixel;
  const rowBytes = <usize>pool.width * pixel;
  const divisor = f32x4.splat(<f32>(pool.kernelY * pool.kernelX));
  let dst = blockStart(i, firstRow * i.width);
  for (let y = firstRow; y < firstRow + rows; y++) {
    const top = y * pool.strideY - pool.paddingY;
    const y0 = max(top, 0);
    const y1 = min(top + pool.kernelY, pool.height);
    for (let x = 0; x < i.width; x++) {
      const left = x * pool.strideX - pool.paddingX;
      const x0 = max(left, 0);
      const x1 = min(left + pool.kernelX, pool.width);
      const corner = pool.input + <usize>y0 * rowBytes + <usize>x0 * pixel;
      for (let c: usize = 0; c < bytes; c += VECTOR) {
        let r = f32x4.splat(maximum ? -Infinity : 0);
        let row = corner + c;
        for (let ky = y0; ky < y1; ky++) {
          let a = row;
          for (let kx = x0; kx < x1; kx++) {
            const v = v128.load(a);
            r = maximum ? v128.bitselect(v, r, f32x4.gt(v, r)) : f32x4.add(r, v);
            a += pixel;
          }
          row += rowBytes;
        }
        v128.store(dst + c, maximum ? r : f32x4.div(r, divisor));
      }
      dst += i.dstPixel;
    }
  }
}

/** s: Pool, aPixel: bytes per input pixel. */
export function maxPool(i: Instruction, firstRow: i32, rows: i32): void {
  poolBlock(i, firstRow, rows, true);
}

export function averagePool(i: Instruction, firstRow: i32, rows: i32): void {
  poolBlock(i, firstRow, rows, false);
}

/** s: Pool, aPixel: bytes per input pixel, u: per row. */
export function bitPool(i: Instruction, firstRow: i32, rows: i32): void {
  const pool = changetype<Pool>(i.s);
  let dst = blockStart(i, firstRow * i.width);
  for (let y = firstRow; y < firstRow + rows; y++) {
    const top = y * pool.strideY - pool.paddingY;
    const y1 = min(top + pool.kernelY, pool.height);
    for (let x = 0; x < i.width; x++) {
      const left = x * pool.strideX - pool.paddingX;
      const x1 = min(left + pool.kernelX, pool.width);
      for (let c = 0; c < i.channels; c += 32) {
        let word: u32 = 0;
        for (let ky = max(top, 0); ky < y1; ky++)
          for (let kx = max(left, 0); kx < x1; kx++)
            word |= load<u32>(pool.input + <usize>(ky * i.u) + <usize>kx * i.aPixel + (<usize>c >> 3));
        store<u32>(dst + (<usize>c >> 3), word);
      }
      dst += i.dstPixel;
    }
  }
}

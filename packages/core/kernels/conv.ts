/**
 * Float convolution, float32.
 *
 *   for each tile of 8 output channels of a group, each 4 pixels of a row
 *     for ky, kx inside the image, for c of the group
 *       for each of the 4 pixels
 *         acc[pixel][o] = acc[pixel][o] + x[pixel][ky, kx, c] * w[ky, kx, c][o]     mul then add
 *     dst = acc
 *
 * Tile: 4 pixels x 8 output channels. Pixels of a tile see the same kx: the left and right border
 * run alone. Weights: [group][tile][kh][kw][c][8], outputs of a group filled up with zeros to 8.
 * Cost per 128 multiply-adds: 8 loads, 16 broadcasts, 32 mul, 32 add (no fused multiply-add: the
 * bits would differ).
 * Measured (node kernels/measure.mjs; V8 of Node 20, shared AVX-512 core, 1 thread, best run):
 * 3x3 64 -> 64 on 28x28 16.4, 3x3/2 3 -> 32 on 224x224 12.7 (10^9 multiply-adds per second).
 */
import { FLOAT_TILE } from "./agreed";
import { blockStart, Instruction, storeLanes } from "./instruction";

@unmanaged
class Conv {
  input: usize;
  /** Bytes per pixel; channels are broadcast, so any size does. */
  pixel: usize;
  height: i32;
  width: i32;
  kernelY: i32;
  kernelX: i32;
  strideY: i32;
  strideX: i32;
  paddingY: i32;
  paddingX: i32;
  groups: i32;
  /** Channels of a group. */
  groupIn: i32;
  groupOut: i32;
  weights: usize;
}

// The row being computed: one group and tile of output channels. Every thread has its own.
let rowInput: usize = 0;
let rowWeights: usize = 0;
let rowDst: usize = 0;
let dstPixel: usize = 0;
let lanes: i32 = 0;
let ky0: i32 = 0;
let ky1: i32 = 0;

/** s: Conv. */
export function conv(i: Instruction, firstRow: i32, rows: i32): void {
  const conv = changetype<Conv>(i.s);
  const tileBytes = <usize>(conv.kernelY * conv.kernelX * conv.groupIn) << 5;
  const rowBytes = <usize>conv.width * conv.pixel;
  dstPixel = i.dstPixel;
  const dst = blockStart(i, firstRow * i.width);
  rowWeights = conv.weights;
  for (let g = 0; g < conv.groups; g++) {
    for (let o = 0; o < conv.groupOut; o += FLOAT_TILE) {
      lanes = conv.groupOut - o;
      rowDst = dst + (<usize>(g * conv.groupOut + o) << 2);
      for (let y = firstRow; y < firstRow + rows; y++) {
        const top = y * conv.strideY - conv.paddingY;
        ky0 = max(0, -top);
        ky1 = min(conv.kernelY, conv.height - top);
        rowInput = conv.input + <usize>(g * conv.groupIn << 2) + <usize>top * rowBytes;
        convRow(conv, i.width);
        rowDst += <usize>i.width * i.dstPixel;
      }
      rowWeights += tileBytes;
    }
  }
}

/** Left border, inside, right border. */
@inline
function convRow(conv: Conv, width: i32): void {
  const stride = conv.strideX;
  const padding = conv.paddingX;
  const kernel = conv.kernelX;
  const inside = min(width, (padding + stride - 1) / stride);
  const room = conv.width + padding - kernel;
  const border = max(inside, room < 0 ? 0 : min(width, room / stride + 1));
  let x = 0;
  while (x < inside) x = border1(conv, x);
  for (; x + 4 <= border; x += 4) tile(conv, x, 1, 0, kernel);
  if (x < border && border - inside >= 4) {
    tile(conv, border - 4, 1, 0, kernel);
    x = border;
  }
  while (x < width) x = border1(conv, x);
}

/** One pixel, whatever part of the window lies inside. */
function border1(conv: Conv, x: i32): i32 {
  const left = x * conv.strideX - conv.paddingX;
  tile(conv, x, 0, max(0, -left), min(conv.kernelX, conv.width - left));
  return x + 1;
}

/** 4 pixels from x on (step 1), or the same one four times (step 0). */
function tile(conv: Conv, x: i32, step: i32, kx0: i32, kx1: i32): void {
  const pixel = conv.pixel;
  const floats = conv.groupIn;
  const apart = <usize>step * <usize>conv.strideX * pixel;
  const start = rowInput + <usize>(x * conv.strideX - conv.paddingX + kx0) * pixel;
  const rowBytes = <usize>conv.width * pixel;
  // Neighbouring pixels without a gap are one run of channels.
  const whole = <usize>floats << 2 == pixel;
  const runs = whole ? min(1, kx1 - kx0) : kx1 - kx0;
  const runBytes = <usize>(whole ? (kx1 - kx0) * floats : floats) << 2;
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  for (let ky = ky0; ky < ky1; ky++) {
    let run = start + <usize>ky * rowBytes;
    let w = rowWeights + (<usize>((ky * conv.kernelX + kx0) * floats) << 5);
    for (let r = 0; r < runs; r++) {
      let a0 = run;
      let a1 = a0 + apart;
      let a2 = a1 + apart;
      let a3 = a2 + apart;
      for (const end = a0 + runBytes; a0 != end; a0 += 4) {
        const w0 = v128.load(w);
        const w1 = v128.load(w, 16);
        const x0 = v128.load32_splat(a0);
        const x1 = v128.load32_splat(a1);
        const x2 = v128.load32_splat(a2);
        const x3 = v128.load32_splat(a3);
        s0 = f32x4.add(s0, f32x4.mul(x0, w0));
        s1 = f32x4.add(s1, f32x4.mul(x0, w1));
        s2 = f32x4.add(s2, f32x4.mul(x1, w0));
        s3 = f32x4.add(s3, f32x4.mul(x1, w1));
        s4 = f32x4.add(s4, f32x4.mul(x2, w0));
        s5 = f32x4.add(s5, f32x4.mul(x2, w1));
        s6 = f32x4.add(s6, f32x4.mul(x3, w0));
        s7 = f32x4.add(s7, f32x4.mul(x3, w1));
        a1 += 4;
        a2 += 4;
        a3 += 4;
        w += 32;
      }
      run += pixel;
    }
  }
  const out = <usize>step * dstPixel;
  let dst = rowDst + <usize>x * dstPixel;
  storePixel(dst, s0, s1, lanes);
  if (step == 0) return;
  storePixel((dst += out), s2, s3, lanes);
  storePixel((dst += out), s4, s5, lanes);
  storePixel((dst += out), s6, s7, lanes);
}

@inline
function storePixel(dst: usize, low: v128, high: v128, lanes: i32): void {
  storeLanes(dst, low, lanes);
  if (lanes > 4) storeLanes(dst + 16, high, lanes - 4);
}

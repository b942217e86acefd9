/**
 * The element-wise micro-ops, one pass each over a block that fits the first-level cache.
 *
 *   for each pixel of the block
 *     for each 4 channels
 *       dst = f(a, b, s[c], t[c])        one float32 rounding per operation, in the order written
 *
 * Tile: 1 pixel x 4 channels. The loop is written once; the compiler drops what an op does not use.
 * Cost: 1 to 5 arithmetic instructions, 1 to 4 loads and a store per 4 elements.
 */
import { Instruction, Op, VECTOR, vectorBytes } from "./instruction";
import { sigmoid } from "./sigmoid";

@inline
function apply(op: Op, a: v128, b: v128, s: v128, t: v128): v128 {
  if (op == Op.affine) return f32x4.add(f32x4.mul(a, s), t);
  if (op == Op.shift) return f32x4.add(a, t);
  if (op == Op.scale) return f32x4.mul(a, s);
  if (op == Op.prelu) return v128.bitselect(a, f32x4.mul(a, s), f32x4.gt(a, f32x4.splat(0)));
  if (op == Op.relu) return v128.and(a, f32x4.gt(a, f32x4.splat(0)));
  if (op == Op.sigmoid) return sigmoid(a);
  if (op == Op.hardSigmoid) {
    const x = f32x4.add(a, f32x4.splat(3));
    const y = f32x4.min(f32x4.max(x, f32x4.splat(0)), f32x4.splat(6));
    return f32x4.mul(y, f32x4.splat(1.0 / 6.0));
  }
  if (op == Op.clamp) {
    const y = v128.bitselect(t, a, f32x4.gt(a, t));
    return v128.bitselect(s, y, f32x4.lt(a, s));
  }
  if (op == Op.add) return f32x4.add(a, b);
  if (op == Op.mul) return f32x4.mul(a, b);
  return f32x4.add(f32x4.mul(s, a), f32x4.mul(f32x4.sub(f32x4.splat(1), s), b)); // mix
}

@inline
function pass(op: Op, i: Instruction, pixels: usize, first: usize): void {
  const binary = op == Op.add || op == Op.mul || op == Op.mix;
  const hasS = op == Op.affine || op == Op.scale || op == Op.prelu || op == Op.mix;
  const hasT = op == Op.affine || op == Op.shift;
  const zero = f32x4.splat(0);
  const low = op == Op.clamp ? f32x4.splat(reinterpret<f32>(<u32>i.s)) : zero;
  const high = op == Op.clamp ? f32x4.splat(reinterpret<f32>(<u32>i.t)) : zero;
  const bytes = vectorBytes(i.channels);
  let dst = i.dst + first * i.dstAdvance;
  let a = i.a + first * i.aAdvance;
  let b = binary ? i.b + first * i.bAdvance : 0;
  const dstPixel = i.dstPixel;
  const aPixel = i.aPixel;
  const bPixel = i.bPixel;
  const s = i.s;
  const t = i.t;
  const end = dst + pixels * dstPixel;
  while (dst != end) {
    for (let c: usize = 0; c < bytes; c += VECTOR) {
      const va = v128.load(a + c);
      const vb = binary ? v128.load(b + c) : zero;
      const vs = hasS ? v128.load(s + c) : low;
      const vt = hasT ? v128.load(t + c) : high;
      v128.store(dst + c, apply(op, va, vb, vs, vt));
    }
    dst += dstPixel;
    a += aPixel;
    if (binary) b += bPixel;
  }
}

/** False where op is none of these. */
export function elementwise(i: Instruction, pixels: usize, first: usize): bool {
  switch (i.op) {
    case Op.affine: pass(Op.affine, i, pixels, first); return true;
    case Op.shift: pass(Op.shift, i, pixels, first); return true;
    case Op.scale: pass(Op.scale, i, pixels, first); return true;
    case Op.prelu: pass(Op.prelu, i, pixels, first); return true;
    case Op.relu: pass(Op.relu, i, pixels, first); return true;
    case Op.sigmoid: pass(Op.sigmoid, i, pixels, first); return true;
    case Op.hardSigmoid: pass(Op.hardSigmoid, i, pixels, first); return true;
    case Op.clamp: pass(Op.clamp, i, pixels, first); return true;
    case Op.add: pass(Op.add, i, pixels, first); return true;
    case Op.mul: pass(Op.mul, i, pixels, first); return true;
    case Op.mix: pass(Op.mix, i, pixels, first); return true;
    default: return false;
  }
}

/**
 * The element-wise micro-ops, one pass each over a block that fits the first-level cache.
 *
 *   for each 4 channels c
 *     load s[c], t[c]
 *     for each pixel of the block
 *       dst[pixel][c] = f(a[pixel][c], b[pixel][c], s, t)    one rounding per operation, as written
 *
 * Tile: 1 pixel x 4 channels. The loop is compiled once per op, with the op inside: classes
 * without fields, because Binaryen folds functions that differ only in a constant into one.
 * Cost per 4 elements: 1 to 5 arithmetic instructions, 1 or 2 loads, a store, 5 for the loop.
 * Measured (node kernels/measure.mjs; V8 of Node 20, shared AVX-512 core, 1 thread, best run):
 * affine 0.12, prelu 0.15, sigmoid 5.3 ns per element.
 * An op that reads no s or t gets address 0 for them and ignores what it loads there.
 */
import { Instruction, Op, VECTOR, vectorBytes } from "./instruction";
import { sigmoid } from "./sigmoid";

@unmanaged
class Affine {
  @inline of(a: v128, b: usize, s: v128, t: v128): v128 {
    return f32x4.add(f32x4.mul(a, s), t);
  }
}

@unmanaged
class Shift {
  @inline of(a: v128, b: usize, s: v128, t: v128): v128 {
    return f32x4.add(a, t);
  }
}

@unmanaged
class Scale {
  @inline of(a: v128, b: usize, s: v128, t: v128): v128 {
    return f32x4.mul(a, s);
  }
}

@unmanaged
class Prelu {
  @inline of(a: v128, b: usize, s: v128, t: v128): v128 {
    return v128.bitselect(a, f32x4.mul(a, s), f32x4.gt(a, f32x4.splat(0)));
  }
}

@unmanaged
class Relu {
  @inline of(a: v128, b: usize, s: v128, t: v128): v128 {
    return v128.and(a, f32x4.gt(a, f32x4.splat(0)));
  }
}

@unmanaged
class Sigmoid {
  @inline of(a: v128, b: usize, s: v128, t: v128): v128 {
    return sigmoid(a);
  }
}

@unmanaged
class HardSigmoid {
  @inline of(a: v128, b: usize, s: v128, t: v128): v128 {
    const x = f32x4.add(a, f32x4.splat(3));
    const y = f32x4.min(f32x4.max(x, f32x4.splat(0)), f32x4.splat(6));
    return f32x4.mul(y, f32x4.splat(1.0 / 6.0));
  }
}

/** s: low, t: high, the same in all channels. */
@unmanaged
class Clamp {
  @inline of(a: v128, b: usize, s: v128, t: v128): v128 {
    const y = v128.bitselect(t, a, f32x4.gt(a, t));
    return v128.bitselect(s, y, f32x4.lt(a, s));
  }
}

@unmanaged
class Add {
  @inline of(a: v128, b: usize, s: v128, t: v128): v128 {
    return f32x4.add(a, v128.load(b));
  }
}

@unmanaged
class Mul {
  @inline of(a: v128, b: usize, s: v128, t: v128): v128 {
    return f32x4.mul(a, v128.load(b));
  }
}

@unmanaged
class Mix {
  @inline of(a: v128, b: usize, s: v128, t: v128): v128 {
    const rest = f32x4.sub(f32x4.splat(1), s);
    return f32x4.add(f32x4.mul(s, a), f32x4.mul(rest, v128.load(b)));
  }
}

function pass<T>(i: Instruction, pixels: usize, first: usize): bool {
  const op = changetype<T>(0);
  const bytes = vectorBytes(i.channels);
  const dstPixel = i.dstPixel;
  const aPixel = i.aPixel;
  const bPixel = i.bPixel;
  for (let c: usize = 0; c != bytes; c += VECTOR) {
    const s = v128.load(i.s + c);
    const t = v128.load(i.t + c);
    let a = i.a + first * i.aAdvance + c;
    let b = i.b + first * i.bAdvance + c;
    let dst = i.dst + first * i.dstAdvance + c;
    for (const end = dst + pixels * dstPixel; dst != end; dst += dstPixel) {
      v128.store(dst, op.of(v128.load(a), b, s, t));
      a += aPixel;
      b += bPixel;
    }
  }
  return true;
}

/** False where op is none of these. */
export function elementwise(i: Instruction, pixels: usize, first: usize): bool {
  switch (i.op) {
    case Op.affine: return pass<Affine>(i, pixels, first);
    case Op.shift: return pass<Shift>(i, pixels, first);
    case Op.scale: return pass<Scale>(i, pixels, first);
    case Op.prelu: return pass<Prelu>(i, pixels, first);
    case Op.relu: return pass<Relu>(i, pixels, first);
    case Op.sigmoid: return pass<Sigmoid>(i, pixels, first);
    case Op.hardSigmoid: return pass<HardSigmoid>(i, pixels, first);
    case Op.clamp: return pass<Clamp>(i, pixels, first);
    case Op.add: return pass<Add>(i, pixels, first);
    case Op.mul: return pass<Mul>(i, pixels, first);
    case Op.mix: return pass<Mix>(i, pixels, first);
    default: return false;
  }
}

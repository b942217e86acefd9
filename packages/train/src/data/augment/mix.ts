import type { Rectangle } from "onebit/image";
import type { Mix } from "./augmentation.js";

/** How the images of a batch were mixed; what teachers said of them can be mixed alike (`mixRows`). */
export interface Mixed {
  /** For each image the position of its partner in the batch. */
  readonly partner: Int32Array;
  /** For each image its own share of the label; the partner has the rest. */
  readonly weight: Float32Array;
}

/** Mixes the first `count` images [count, C, height, width], in place. */
export function mixImages(
  images: Float32Array,
  count: number,
  [height, width]: readonly [number, number],
  mix: Mix,
): Mixed {
  const stride = images.length / count;
  for (let n = 0; n < count >> 1; n++) {
    const a = images.subarray(n * stride, (n + 1) * stride);
    const b = images.subarray((count - 1 - n) * stride, (count - n) * stride);
    if (mix.box) exchange(a, b, mix.box, height, width);
    else blend(a, b, mix.weight);
  }
  return {
    partner: Int32Array.from({ length: count }, (_, n) => count - 1 - n),
    weight: new Float32Array(count).fill(mix.weight),
  };
}

function blend(a: Float32Array, b: Float32Array, weight: number): void {
  const rest = 1 - weight;
  for (let i = 0; i < a.length; i++) {
    const [own, other] = [a[i], b[i]];
    a[i] = weight * own + rest * other;
    b[i] = weight * other + rest * own;
  }
}

function exchange(
  a: Float32Array,
  b: Float32Array,
  box: Rectangle,
  height: number,
  width: number,
): void {
  for (let row = 0; row < a.length; row += height * width) {
    for (let y = box.top; y < box.top + box.height; y++) {
      const from = row + y * width + box.left;
      const own = a.slice(from, from + box.width);
      a.set(b.subarray(from, from + box.width), from);
      b.set(own, from);
    }
  }
}

/**
 * Rows mixed as the images were: out[n] = weight[n] · rows[n] + (1 - weight[n]) · rows[partner[n]].
 *
 * rows: [N, any], such as labels as distributions or a teacher's probabilities.
 */
export function mixRows(rows: Float32Array, { partner, weight }: Mixed): Float32Array<ArrayBuffer> {
  const stride = rows.length / partner.length;
  const out = new Float32Array(rows.length);
  for (let n = 0; n < partner.length; n++) {
    const other = partner[n] * stride;
    for (let i = 0; i < stride; i++) {
      const own = rows[n * stride + i];
      out[n * stride + i] = weight[n] * own + (1 - weight[n]) * rows[other + i];
    }
  }
  return out;
}

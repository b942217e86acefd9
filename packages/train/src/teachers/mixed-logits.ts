import { type Mixed, mixRows } from "../data/index.js";

const SMALLEST = 1e-30;

/**
 * Logits of mixed images from those of the images: the logarithms of the mixed probabilities, as labels are
 * mixed. logits: [N, classes].
 */
export function mixedLogits(logits: Float32Array, mixed: Mixed): Float32Array {
  const classes = logits.length / mixed.partner.length;
  return mixRows(softmaxRows(logits, classes), mixed).map((p) => Math.log(Math.max(p, SMALLEST)));
}

function softmaxRows(logits: Float32Array, classes: number): Float32Array {
  const out = new Float32Array(logits.length);
  for (let n = 0; n < logits.length; n += classes) {
    const row = logits.subarray(n, n + classes);
    const largest = Math.max(...row);
    let sum = 0;
    row.forEach((z, c) => {
      out[n + c] = Math.exp(z - largest);
      sum += out[n + c];
    });
    for (let c = 0; c < classes; c++) out[n + c] /= sum;
  }
  return out;
}

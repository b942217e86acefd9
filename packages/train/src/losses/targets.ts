/**
 * Target distributions from class labels, with label smoothing ε (arXiv 1512.00567):
 *
 *   target[n,c] = (1 - ε) [c = label n] + ε / classes
 *
 * labels: [N]. Returns [N, classes], row-major; `out` is reused where given.
 */
export function targetsFromLabels(
  labels: Int32Array,
  classes: number,
  smoothing = 0,
  out = new Float32Array(labels.length * classes),
): Float32Array {
  out.fill(smoothing / classes);
  for (let n = 0; n < labels.length; n++) {
    out[n * classes + labels[n]] = 1 - smoothing + smoothing / classes;
  }
  return out;
}

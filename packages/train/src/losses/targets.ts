/**
 * Labels as distributions over the classes: target[n,c] = [c = label n].
 *
 * labels: [N]. Returns [N, classes], row-major; `out` is reused where given.
 */
export function targetsFromLabels(
  labels: Int32Array,
  classes: number,
  out = new Float32Array(labels.length * classes),
): Float32Array {
  out.fill(0);
  for (let n = 0; n < labels.length; n++) out[n * classes + labels[n]] = 1;
  return out;
}

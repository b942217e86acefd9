/** Memory that further threads see. */
export function shared(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(4 * length));
}

import type { DistanceEngine, Rows } from "./engine.js";

/** In TypeScript: where nothing else runs, and to compare the others with. */
export const reference: DistanceEngine = {
  name: "reference",
  async hold(rows) {
    const of = rows.form === "bits" ? hamming(rows) : dots(rows);
    return { of, dispose: () => {} };
  },
};

function hamming({ data, count }: Extract<Rows, { form: "bits" }>) {
  const bytes = data.length / count;
  const differ = new Int32Array(count);
  return (query: Uint8Array | Float32Array) => {
    for (let n = 0, at = 0; n < count; n++) {
      let sum = 0;
      for (let i = 0; i < bytes; i++, at++) sum += ONES[data[at] ^ query[i]];
      differ[n] = sum;
    }
    return differ;
  };
}

/** Of a byte. */
const ONES = Uint8Array.from({ length: 256 }, (_, byte) =>
  Array.from({ length: 8 }, (_, i) => (byte >> i) & 1).reduce((sum, bit) => sum + bit),
);

function dots({ data, count }: Extract<Rows, { form: "floats" }>) {
  const width = data.length / count;
  const result = new Float32Array(count);
  const sums = new Float32Array(16);
  return (query: Uint8Array | Float32Array) => {
    for (let n = 0, at = 0; n < count; n++) {
      sums.fill(0);
      for (let i = 0; i < width; i++, at++) {
        sums[i & 15] += Math.fround(data[at] * query[i]);
      }
      result[n] = folded(sums);
    }
    return result;
  };
}

const { fround } = Math;

function folded(s: Float32Array): number {
  const [a, b, c, d] = [0, 1, 2, 3].map((j) =>
    fround(fround(s[j] + s[j + 4]) + fround(s[j + 8] + s[j + 12])),
  );
  return fround(a + b) + fround(c + d);
}

/**
 * What is compared, row by row: of bits, bytes filled up with zeros to whole 64-bit words; of floats, numbers
 * filled up with zeros to multiples of 16.
 */
export type Rows =
  | { readonly form: "bits"; readonly count: number; readonly data: Uint8Array }
  | { readonly form: "floats"; readonly count: number; readonly data: Float32Array };

/** Rows that queries are compared with. */
export interface Distances {
  /**
   * To each row, valid until the next call. Bits: how many differ. Floats: the sum s of products of numbers at
   * the same place, one rounding per operation: s[j] over i of 16 i + j, then (s[j] + s[j + 4]) + (s[j + 8] + s[j + 12])
   * for j below 4, then (0 + 1) + (2 + 3).
   *
   * query: a row of the same form and length.
   */
  of(query: Uint8Array | Float32Array): Int32Array | Float32Array;
  dispose(): void;
}

/** What compares them; all give the same numbers. */
export interface DistanceEngine {
  readonly name: string;
  hold(rows: Rows): Promise<Distances>;
}

/** Bytes of a word that bits are filled up to, and floats of a block. */
const WORD = 8;
const BLOCK = 16;

/** Numbers of a row as it is compared, where there are `length` of them. */
export const paddedLength = ({ form, length }: { form: Rows["form"]; length: number }): number => {
  const unit = form === "bits" ? WORD : BLOCK;
  return Math.ceil(length / unit) * unit;
};

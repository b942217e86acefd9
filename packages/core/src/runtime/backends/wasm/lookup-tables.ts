/** 256 tables of 16 bytes. */
export const LOOKUP_TABLE_BYTES = 4096;

/**
 * table[a + 16 b][w] = popcount(a ^ w) + 16 * popcount(b ^ w): how many of 4 channels differ, for
 * the nibbles a and b of two pixels.
 */
export function lookupTables(): Uint8Array {
  const differing = Uint8Array.from({ length: 256 }, (_, i) => bitCount((i >> 4) ^ (i & 15)));
  // Four entries at a time: no sum reaches into the next.
  const fours = new Uint32Array(differing.buffer);
  const tables = new Uint32Array(LOOKUP_TABLE_BYTES / 4);
  for (let i = 0; i < tables.length; i++) {
    tables[i] = fours[i & 63] + 16 * fours[((i >> 6) << 2) | (i & 3)];
  }
  return new Uint8Array(tables.buffer);
}

function bitCount(nibble: number): number {
  return (nibble & 1) + ((nibble >> 1) & 1) + ((nibble >> 2) & 1) + (nibble >> 3);
}

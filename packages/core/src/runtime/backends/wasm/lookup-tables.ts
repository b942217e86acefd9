/** 256 tables of 16 bytes. */
export const LOOKUP_TABLE_BYTES = 4096;

/**
 * table[a + 16 b][w] = popcount(a ^ w) + 16 * popcount(b ^ w): how many of 4 channels differ, for
 * the nibbles a and b of two pixels.
 */
export function lookupTables(): Uint8Array {
  const tables = new Uint8Array(LOOKUP_TABLE_BYTES);
  for (let i = 0; i < tables.length; i++) {
    const w = i & 15;
    tables[i] = bitCount(((i >> 4) & 15) ^ w) + 16 * bitCount((i >> 8) ^ w);
  }
  return tables;
}

function bitCount(nibble: number): number {
  return (nibble & 1) + ((nibble >> 1) & 1) + ((nibble >> 2) & 1) + (nibble >> 3);
}

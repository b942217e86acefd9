/** Byte strings for hand-made files: each part is text (ASCII), one byte, or bytes. */
export type Part = string | number | Uint8Array | readonly Part[];

export function bytes(...parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap(flat));
}

function flat(part: Part): number[] {
  if (typeof part === "number") return [part];
  if (typeof part === "string") return Array.from(Buffer.from(part, "utf8"));
  return part instanceof Uint8Array ? Array.from(part) : part.flatMap(flat);
}

/** A little-endian integer of `size` bytes. */
export function int(value: number | bigint, size: number): Uint8Array<ArrayBuffer> {
  const wide = BigInt.asUintN(size * 8, BigInt(value));
  return Uint8Array.from({ length: size }, (_, i) => Number((wide >> BigInt(8 * i)) & 255n));
}

export function floats(values: readonly number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Float32Array.from(values).buffer);
}

/** Small seeded generator (xorshift32): the same mutations on every machine. */
export function seeded(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

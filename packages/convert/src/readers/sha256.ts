import { type AsyncBuffer, readRange } from "./async-buffer.js";

const chunk = 1 << 20;

/** SHA-256 of a whole buffer as lower-case hexadecimal, read a mebibyte at a time. */
export async function sha256(buffer: AsyncBuffer): Promise<string> {
  const hash = await createHash();
  for (let start = 0; start < buffer.byteLength; start += chunk) {
    const end = Math.min(start + chunk, buffer.byteLength);
    hash.update(await readRange(buffer, start, end, "the file's contents"));
  }
  return hash.hex();
}

interface Hash {
  update(bytes: Uint8Array): void;
  hex(): string;
}

/** Node's own, several times faster, where there is one. */
async function createHash(): Promise<Hash> {
  if (!globalThis.process?.versions?.node) return incrementalSha256();
  const crypto = await import("node:crypto");
  const hash = crypto.createHash("sha256");
  return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest("hex") };
}

/**
 * SHA-256 in plain TypeScript, fed piece by piece: `crypto.subtle` wants all bytes at once.
 * Source: FIPS 180-4, section 6.2.
 */
export function incrementalSha256(): Hash {
  const { initial, rounds } = constants();
  const state = initial.slice();
  const block = new Uint8Array(64);
  const view = new DataView(block.buffer);
  const words = new Uint32Array(64);
  let filled = 0;
  let length = 0;

  const compress = () => {
    for (let i = 0; i < 16; i++) words[i] = view.getUint32(i * 4);
    expand(words);
    mix(state, words, rounds);
    filled = 0;
  };
  const update = (bytes: Uint8Array) => {
    length += bytes.length;
    for (let read = 0; read < bytes.length; ) {
      const count = Math.min(64 - filled, bytes.length - read);
      block.set(bytes.subarray(read, read + count), filled);
      filled += count;
      read += count;
      if (filled === 64) compress();
    }
  };
  const hex = () => {
    block.fill(0, filled);
    block[filled] = 0x80;
    if (filled >= 56) {
      compress();
      block.fill(0);
    }
    view.setBigUint64(56, BigInt(length) * 8n);
    compress();
    return Array.from(state, (word) => word.toString(16).padStart(8, "0")).join("");
  };
  return { update, hex };
}

const rotate = (word: number, by: number): number => (word >>> by) | (word << (32 - by));

function expand(w: Uint32Array): void {
  for (let i = 16; i < 64; i++) {
    const early = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >>> 3);
    const late = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >>> 10);
    w[i] = w[i - 16] + early + w[i - 7] + late;
  }
}

function mix(state: Uint32Array, words: Uint32Array, rounds: Uint32Array): void {
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const choice = (e & f) ^ (~e & g);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const sumE = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const sumA = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const first = (h + sumE + choice + rounds[i] + words[i]) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + sumA + majority) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((value, i) => {
    state[i] += value;
  });
}

/** First 32 fraction bits of the square roots of 8 primes and the cube roots of 64. */
function constants(): { initial: Uint32Array; rounds: Uint32Array } {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
  const fraction = (value: number) => Math.floor((value - Math.floor(value)) * 2 ** 32);
  return {
    initial: Uint32Array.from(primes.slice(0, 8), (p) => fraction(Math.sqrt(p))),
    rounds: Uint32Array.from(primes, (p) => fraction(Math.cbrt(p))),
  };
}

import type { Random } from "onebit/conformance";

const POWERS = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 16, 20, 24, 26, 28, 29, 31, 32, 40, 53];

/** Numbers at which code that trusts them breaks: neighbours of powers of two, signs, fractions. */
export function edgeNumber(random: Random, now: number): number {
  const roll = random.number();
  if (roll < 0.35) return now + random.pick([-1, 1, 2, -2, 3]);
  if (roll < 0.45) return random.pick([now * 2, Math.floor(now / 2), -now, now * 3]);
  if (roll < 0.65) return random.pick([0, 1, 2, 3, -1, -2]);
  if (roll < 0.9)
    return (2 ** random.pick(POWERS) + random.int(-1, 1)) * (random.chance(0.1) ? -1 : 1);
  return random.pick([0.5, -0.5, 1.5, 1e300, 1e-300, 2 ** 53, -(2 ** 53), 4096.5]);
}

/** Texts that end up in messages, file names, keys and terminals. */
export function edgeText(random: Random): string {
  return random.pick([
    "",
    " ",
    "__proto__",
    "constructor",
    "toString",
    "logits",
    "a".repeat(random.pick([300, 5000, 100_000])),
    "\u001b[31mred\u001b[0m",
    "\u202etxt.exe\u202c",
    "line\nbreak\u0000",
    "\ud800",
    "../../etc/passwd",
    ".a",
    "a.",
    ":floats",
    "x:scale",
    "x:8-bit",
  ]);
}

/** Bits of float32 numbers that are no ordinary ones: payloads of NaN, infinities, the smallest. */
export const FLOAT_BITS = [
  0x7fc00000, 0x7fa00001, 0xffc12345, 0x7f800000, 0xff800000, 0x80000000, 0x00000001, 0x807fffff,
  0x7f7fffff, 0xff7fffff, 0x00800000,
];

/** Cycles from one 32-bit multiplication to the next that needs its result, on today's CPUs. */
const LATENCY = 3;
const CHAIN = 16;

/**
 * Gigahertz that this core runs at now, from the time of a chain of dependent 32-bit
 * multiplications (3 cycles each on x86-64 since 2008 and on most ARM cores). Best of several:
 * whatever interrupts the loop makes it slower, never faster.
 */
export function clockGHz(milliseconds = 120, now = () => performance.now()): number {
  const rounds = 20_000;
  let best = Number.POSITIVE_INFINITY;
  let seed = 0x9e3779b1;
  for (const end = now() + milliseconds; now() < end; ) {
    const start = now();
    seed = multiply(rounds, seed);
    best = Math.min(best, now() - start);
  }
  // The result is used, so that no compiler drops the loop.
  if (seed === 0) throw new Error("clock: an odd product cannot be 0");
  return (rounds * CHAIN * LATENCY) / best / 1e6;
}

function multiply(rounds: number, seed: number): number {
  let x = seed | 1;
  for (let i = 0; i < rounds; i++) {
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
    x = Math.imul(x, x);
  }
  return x;
}

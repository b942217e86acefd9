import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Phase, PhasePart } from "./compile.js";
import { DealtPhase } from "./deal.js";
import type { Runner } from "./runner.js";

interface Run {
  readonly part: PhasePart;
  readonly from: number;
  readonly to: number;
}

function deal(phase: Phase, threads: number): { runs: Run[]; chunks: number[] } {
  const runs: Run[] = [];
  const runner = {
    runRows: (_: Phase, part: PhasePart, from: number, to: number) => runs.push({ part, from, to }),
  } as unknown as Runner;
  const dealt = new DealtPhase(phase, threads, runner);
  const chunks = Array.from({ length: threads }, (_, share) => dealt.chunks(share));
  chunks.forEach((count, share) => {
    for (let chunk = 0; chunk < count; chunk++) dealt.run(share, chunk);
  });
  return { runs, chunks };
}

const phase = (rows: number, blockRows: number, rowMultiple: number, parts = 1): Phase => {
  const list = Array.from({ length: parts }, (): PhasePart => ({}));
  return { parts: list, rows, blockRows, rowMultiple, parallel: true };
};

const phases = fc
  .record({
    pairs: fc.integer({ min: 1, max: 200 }),
    block: fc.integer({ min: 1, max: 60 }),
    rowMultiple: fc.constantFrom(1, 2),
  })
  .map(({ pairs, block, rowMultiple }) => {
    const rows = pairs * rowMultiple;
    return phase(rows, Math.min(block, rows), rowMultiple);
  });

describe("a phase dealt out", () => {
  it("has every row once, in whole multiples, in few chunks", () => {
    fc.assert(
      fc.property(phases, fc.integer({ min: 1, max: 9 }), (one, threads) => {
        const { runs, chunks } = deal(one, threads);
        let next = 0;
        for (const { from, to } of runs) {
          expect(from).toBe(next);
          expect(to).toBeGreaterThan(from);
          expect(from % one.rowMultiple).toBe(0);
          next = to;
        }
        expect(next).toBe(one.rows);
        for (const count of chunks) expect(count).toBeLessThanOrEqual(5);
      }),
    );
  });

  it("has chunks of whole blocks", () => {
    const rowsOf = ({ runs }: { runs: Run[] }) => runs.map(({ from, to }) => to - from);
    expect(rowsOf(deal(phase(14, 4, 1), 2))).toEqual([4, 3, 4, 3]);
    expect(rowsOf(deal(phase(28, 1, 2), 2))).toEqual([4, 4, 4, 2, 4, 4, 4, 2]);
    expect(rowsOf(deal(phase(2, 2, 1), 3))).toEqual([1, 1]);
  });

  it("has every part of the channels once, with all rows", () => {
    const one = phase(7, 7, 1, 3);
    const { runs, chunks } = deal(one, 3);
    expect(chunks).toEqual([1, 1, 1]);
    expect(runs.map(({ part }) => part)).toEqual(one.parts);
    expect(runs.every(({ from, to }) => from === 0 && to === 7)).toBe(true);
  });
});

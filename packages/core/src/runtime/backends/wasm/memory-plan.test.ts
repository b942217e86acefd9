import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressOf, at, MemoryPlan } from "./memory-plan.js";

const requests = fc.array(
  fc
    .record({ bytes: fc.integer({ min: 1, max: 5000 }), first: fc.nat(20), length: fc.nat(8) })
    .map(({ bytes, first, length }) => ({ bytes, first, last: first + length })),
  { minLength: 1, maxLength: 40 },
);

describe("memory plan", () => {
  it("never lets two blocks overlap while both are in use", () => {
    fc.assert(
      fc.property(requests, (blocks) => {
        const plan = new MemoryPlan();
        const places = blocks.map((b) => plan.temporary(b.bytes, b.first, b.last));
        const constant = plan.constant(new Uint8Array(100));
        plan.assign();
        const starts = places.map(addressOf);
        blocks.forEach((a, i) => {
          expect(starts[i] % 64).toBe(0);
          expect(starts[i] + a.bytes).toBeLessThanOrEqual(addressOf(constant));
          blocks.slice(0, i).forEach((b, j) => {
            const together = a.first <= b.last && b.first <= a.last;
            const overlap = starts[i] < starts[j] + b.bytes && starts[j] < starts[i] + a.bytes;
            expect(together && overlap).toBe(false);
          });
        });
      }),
    );
  });

  it("needs no more than what is alive at once, for a chain of values", () => {
    const plan = new MemoryPlan();
    for (let i = 0; i < 10; i++) plan.temporary(640, i, i + 1);
    plan.assign();
    expect(plan.arenaBytes).toBe(1280);
  });

  it("writes constants, and tables with the addresses of places", () => {
    const plan = new MemoryPlan();
    const data = plan.constant(Float32Array.of(1, 2));
    const table = plan.constant([7, at(data, 4), -1]);
    plan.assign();
    const memory = plan.allocate();
    expect([...new Float32Array(memory.buffer, addressOf(data), 2)]).toEqual([1, 2]);
    expect([...new Int32Array(memory.buffer, addressOf(table), 3)]).toEqual([
      7,
      addressOf(data) + 4,
      -1,
    ]);
  });

  it("refuses more than a linear memory can hold", () => {
    expect(() => new MemoryPlan().temporary(2 ** 31 + 1, 0, 0)).toThrow(/more than 2048 MiB/);
    const plan = new MemoryPlan();
    plan.temporary(2 ** 30, 0, 0);
    plan.temporary(2 ** 30, 0, 0);
    expect(() => plan.assign()).toThrow(/more than 2048 MiB/);
  });
});

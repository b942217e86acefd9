import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressOf, at, MemoryPlan, type Place } from "./memory-plan.js";

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

  it("gives every thread scratch of its own, the same in every step", () => {
    const plan = new MemoryPlan({ threads: 3 });
    const value = plan.temporary(640, 0, 9);
    plan.beginStep();
    const [a, b] = [plan.scratch(100), plan.scratch(50)];
    plan.beginStep();
    const other = plan.scratch(40);
    plan.assign();
    expect(addressOf(b) - addressOf(a)).toBe(128);
    expect(addressOf(other)).toBe(addressOf(a));
    expect(plan.scratchBytes).toBe(192);
    const [from, to] = [addressOf(a), addressOf(a) + 3 * 192];
    expect(addressOf(value) >= to || addressOf(value) + 640 <= from).toBe(true);
  });

  it("stages what is prepared where values lie later, and keeps what it is made into", () => {
    const plan = new MemoryPlan();
    plan.temporary(6400, 0, 1);
    const made = plan.reserve(1000);
    const used: Place[] = [];
    for (const bytes of [500, 3000]) {
      plan.prepare(new Uint8Array(bytes), 64, (staged, scratch) => {
        used.push(staged, scratch);
        return [];
      });
    }
    plan.assign();
    expect(plan.arenaBytes).toBe(6400);
    const addresses = used.map(addressOf);
    expect(addresses[2]).toBe(addresses[0]);
    expect(addresses[1]).toBeGreaterThanOrEqual(addresses[0] + 500);
    expect(addresses[3]).toBeGreaterThanOrEqual(addresses[2] + 3000);
    expect(addresses[3] + 64).toBeLessThanOrEqual(addressOf(made));
  });

  it("keeps a place for as long as it is told", () => {
    const plan = new MemoryPlan();
    const first = plan.temporary(640, 0, 0);
    plan.keep(first, 2);
    const second = plan.temporary(640, 2, 2);
    plan.assign();
    expect(addressOf(second)).not.toBe(addressOf(first));
  });

  it("refuses more than a linear memory can hold", () => {
    const memory = Number.POSITIVE_INFINITY;
    const large = new MemoryPlan({ memory });
    expect(() => large.temporary(2 ** 31 + 1, 0, 0)).toThrow(/more than 2048 MiB/);
    const plan = new MemoryPlan({ memory });
    plan.temporary(2 ** 30, 0, 0);
    plan.temporary(2 ** 30, 0, 0);
    expect(() => plan.assign()).toThrow(/more than 2048 MiB/);
  });
});

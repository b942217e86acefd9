import { describe, expect, it } from "vitest";
import { Arenas } from "./arenas.js";
import { addressOf, at, MemoryPlan } from "./memory-plan.js";

function planned(threads: number) {
  const plan = new MemoryPlan({ threads });
  const value = plan.temporary(640, 0, 1);
  const weights = plan.constant(Float32Array.of(1, 2, 3));
  const inner = plan.constant([at(value, 64), 7]);
  const table = plan.constant([5, value, weights, inner, -1]);
  plan.assign();
  return {
    plan,
    memory: plan.allocate(),
    table,
    addresses: [value, weights, inner].map(addressOf),
  };
}

describe("arenas", () => {
  it("have tables whose own addresses have moved along; constants stay", () => {
    const { plan, memory, table, addresses } = planned(3);
    const [value, weights, inner] = addresses;
    const shifts = new Arenas(memory, plan.arena(), 3).shifts();
    expect(shifts.length).toBe(3);
    for (const shift of shifts) {
      const words = new Int32Array(memory.buffer, addressOf(table) + shift, 5);
      expect([...words]).toEqual([5, value + shift, weights, inner + shift, -1]);
      const nested = new Int32Array(memory.buffer, inner + shift, 2);
      expect([...nested]).toEqual([value + 64 + shift, 7]);
    }
  });

  it("lie behind what was planned, side by side", () => {
    const { plan, memory } = planned(3);
    const end = memory.buffer.byteLength;
    const { address, bytes } = plan.arena();
    const [first, second, third] = new Arenas(memory, plan.arena(), 3).shifts();
    expect(first).toBe(0);
    expect(address + second).toBeGreaterThanOrEqual(end);
    expect(third - second).toBeGreaterThanOrEqual(bytes);
    expect(address + third + bytes).toBeLessThanOrEqual(memory.buffer.byteLength);
  });

  it("are made once", () => {
    const { plan, memory } = planned(2);
    const arenas = new Arenas(memory, plan.arena(), 2);
    const shifts = arenas.shifts();
    const { byteLength } = memory.buffer;
    expect(arenas.shifts()).toBe(shifts);
    expect(memory.buffer.byteLength).toBe(byteLength);
  });

  it("are one where the memory cannot grow", () => {
    const { plan, memory } = planned(2);
    const { bytes } = plan.arena();
    memory.grow(Math.ceil(bytes / 65_536));
    expect(new Arenas(memory, plan.arena(), 2).shifts()).toEqual([0]);
  });
});

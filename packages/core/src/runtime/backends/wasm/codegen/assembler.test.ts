import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assembleModule, FunctionBody } from "./assembler.js";

const sigmoid = new WebAssembly.Instance(
  // A module that exports the identity on v128: stands in for the kernels' sigmoid.
  new WebAssembly.Module(
    Uint8Array.from([
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...[1, 6, 1, 0x60, 1, 0x7b, 1, 0x7b],
      ...[3, 2, 1, 0],
      ...[7, 5, 1, 1, 0x73, 0, 0],
      ...[10, 6, 1, 4, 0, 0x20, 0, 0x0b],
    ]),
  ),
).exports.s;

/** f(address) on a memory of a page. */
function run(body: FunctionBody, address: number): DataView {
  const bytes = assembleModule([{ name: "f", parameters: 1, body }], false);
  const memory = new WebAssembly.Memory({ initial: 1 });
  const env = { memory, sigmoid };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource), {
    env,
  });
  (exports.f as (address: number) => void)(address);
  return new DataView(memory.buffer);
}

describe("assembler", () => {
  it("encodes constants and offsets of any size", () => {
    const offsets = fc.integer({ min: 0, max: 60_000 });
    fc.assert(
      fc.property(fc.integer(), offsets, (constant, offset) => {
        const body = new FunctionBody(1).get(0).const(constant).access("i32.store", offset);
        expect(run(body, 64).getInt32(64 + offset, true)).toBe(constant);
      }),
    );
  });

  it("repeats while a condition holds, and keeps locals apart", () => {
    const body = new FunctionBody(1);
    const [left, sum] = [body.local("i32"), body.local("i32")];
    body.const(10).set(left);
    body.repeat(() => {
      body.get(sum).get(left).op("i32.add").set(sum);
      body.get(left).const(1).op("i32.sub").tee(left);
    });
    body.get(0).get(sum).access("i32.store", 0);
    body.get(sum).when(() => body.get(0).const(-1).access("i32.store", 4));
    const memory = run(body, 8);
    expect([memory.getInt32(8, true), memory.getInt32(12, true)]).toEqual([55, -1]);
  });

  it("stores lanes of vectors", () => {
    const body = new FunctionBody(1);
    body.get(0).lanes(1, 2, 3, -4).storeLane(32, 3, 4);
    body.get(0).splat(1.5).access("v128.store", 16);
    const memory = run(body, 0);
    expect(memory.getInt32(4, true)).toBe(-4);
    expect(memory.getFloat32(28, true)).toBe(1.5);
  });

  it("makes modules for shared memories, which take no other", () => {
    const body = new FunctionBody(1);
    const module = new WebAssembly.Module(
      assembleModule([{ name: "f", parameters: 1, body }], true) as BufferSource,
    );
    const shared = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const own = new WebAssembly.Memory({ initial: 1 });
    expect(
      () => new WebAssembly.Instance(module, { env: { memory: shared, sigmoid } }),
    ).not.toThrow();
    expect(() => new WebAssembly.Instance(module, { env: { memory: own, sigmoid } })).toThrow();
  });
});

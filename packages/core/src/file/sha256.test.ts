import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { sha256 } from "./sha256.js";
import { sha256Portable } from "./sha256-portable.js";

const independent = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");
const portable = (data: Uint8Array) => Buffer.from(sha256Portable(data)).toString("hex");

describe("sha256", () => {
  it("is the platform's at every length around a block", () => {
    for (let length = 0; length < 200; length++) {
      const data = Uint8Array.from({ length }, (_, i) => (i * 37 + length) & 255);
      expect(portable(data)).toBe(independent(data));
    }
  });

  it("is the platform's on random data, views included", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.nat(9), (data, cut) => {
        const view = data.subarray(Math.min(cut, data.length));
        expect(portable(view)).toBe(independent(view));
      }),
    );
  });

  it("is the platform's on data that another thread hashes, whatever becomes of them", async () => {
    const data = Uint8Array.from({ length: 2 ** 20 + 5 }, (_, i) => i * 7);
    const shared = new Uint8Array(new SharedArrayBuffer(data.length));
    shared.set(data);
    const expected = independent(data);
    expect(await sha256(shared)).toBe(expected);
    const hashing = sha256(data.subarray(0));
    data.fill(0);
    expect(await hashing).toBe(expected);
  });

  it("falls back where there is no crypto.subtle, and where there is no Node either", async () => {
    const data = new TextEncoder().encode("abc");
    expect(await sha256(data)).toBe(independent(data));
    vi.stubGlobal("crypto", undefined);
    expect(await sha256(data)).toBe(independent(data));
    vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined);
    expect(await sha256(data)).toBe(independent(data));
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });
});

import { expect, it } from "vitest";
import { portLimit } from "./port-limit.js";

const core = { cpu: "Intel(R) Xeon(R) Processor", clockGHz: 2 };
const perCycle = (backend: string, kernel?: string) =>
  (portLimit(backend, kernel, core)?.gmacs ?? 0) / core.clockGHz;

it("counts the instructions of each form over the ports that run them", () => {
  // 8 instructions on 3 ports for 128; 12 and 9 for 384; 2 for 128; 3 on 2 ports for 512.
  expect(perCycle("wasm", "simd popcount")).toBeCloseTo(48, 6);
  expect(perCycle("wasm")).toBeCloseTo(96, 6);
  expect(perCycle("wasm", "3x3, lookup")).toBeCloseTo(96, 6);
  expect(perCycle("wasm", "relaxed swizzle lookup")).toBeCloseTo(128, 6);
  expect(perCycle("wasm", "scalar i64.popcnt")).toBeCloseTo(64, 6);
  expect(perCycle("native", "avx2 3x3")).toBeCloseTo(192, 6);
  expect(perCycle("native", "amx tiles")).toBeCloseTo(1024, 6);
  expect(perCycle("native", "AVX-512 vpopcntdq")).toBeCloseTo(1024 / 3, 6);
});

it("says how a limit comes about", () => {
  expect(portLimit("native", "avx512", core)?.derivation).toBe(
    "xor, popcount, add: 3 on 2 ports; 341 multiply-adds per cycle at 2.00 GHz",
  );
});

it("knows no limit of other makers' cores and of kernels it does not know", () => {
  expect(portLimit("wasm", undefined, { cpu: "Apple M2", clockGHz: 3 })).toBeUndefined();
  expect(portLimit("native", undefined, core)).toBeUndefined();
  expect(portLimit("native", "neon", core)).toBeUndefined();
});

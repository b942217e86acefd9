import { describe, expect, it } from "vitest";
import type { Program, ProgramTensors, Step } from "../../../program/types.js";
import { BudgetError } from "../../budget.js";
import { type CompileSettings, compileProgram, type Limits } from "./compile.js";

/** What every WebGPU device has at least. */
const DEFAULTS: Limits = {
  maxBufferSize: 2 ** 28,
  maxStorageBufferBindingSize: 2 ** 27,
  maxUniformBufferBindingSize: 65_536,
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupsPerDimension: 65_535,
};

/** Signs of a map, and a binary convolution of them. */
function program(side: number, channels: number): { program: Program; tensors: ProgramTensors } {
  const shape = [side, side, channels] as const;
  const signs: Step = {
    ...{ kind: "pointwise", covers: ["signs"], input: 0 },
    epilogue: [["bits", 0, "zeros", 1, 0, -1]],
  };
  const conv: Step = {
    ...{ kind: "binary-conv", covers: ["block.conv", "block.norm"], input: 1, weight: "w" },
    ...{ out: channels, kernel: [1, 1], stride: [1, 1], padding: [0, 0], groups: 1, padValue: 0 },
    epilogue: [["store", 0, 2, 0]],
  };
  const bytes = Math.ceil(channels / 8);
  return {
    program: {
      values: [
        { name: "x", kind: "map", shape },
        { name: "signs", kind: "bits", shape },
        { name: "y", kind: "map", shape },
      ],
      ...{ input: 0, steps: [signs, conv], outputs: { y: 2 } },
    },
    tensors: {
      zeros: { type: "float32", shape: [channels], data: new Float32Array(channels) },
      w: { type: "bits", shape: [channels, bytes], data: new Uint8Array(channels * bytes) },
    },
  };
}

function compiling(side: number, channels: number, limits: Partial<Limits>, memory?: number) {
  const given = program(side, channels);
  const settings: CompileSettings = { limits: { ...DEFAULTS, ...limits }, memory };
  return () => compileProgram(given.program, given.tensors, settings);
}

describe("a program for an adapter's limits", () => {
  it("compiles where every limit is the default", () => {
    const { arenaWords, kernels } = compiling(32, 64, {})();
    // The input is free when the output is written.
    expect(arenaWords).toBe(32 * 32 * (64 + 2));
    expect(kernels).toEqual(["float32", "tiled 32x32x4"]);
  });

  it("has its budget", () => {
    expect(compiling(32, 64, {}, 100_000)).toThrow(BudgetError);
  });

  it.each<[string, Partial<Limits>, RegExp]>([
    [
      "binding",
      { maxStorageBufferBindingSize: 100_000 },
      /^webgpu: step \d \(.*\): needs 270336 bytes for the values in use there, more than the 100000 of this adapter \(maxStorageBufferBindingSize\): run it with backend "wasm"$/,
    ],
    ["buffer", { maxBufferSize: 100_000 }, /\(maxBufferSize\)/],
    [
      "workgroup memory",
      { maxComputeWorkgroupStorageSize: 1000 },
      /^webgpu: step 1 \(block\.conv\): needs 1536 bytes of workgroup memory, more than the 1000 .*\(maxComputeWorkgroupStorageSize\)/,
    ],
    [
      "threads",
      { maxComputeInvocationsPerWorkgroup: 32 },
      /^webgpu: step \d \(.*\): needs \d+ threads of a workgroup, more than the 32 .*\(maxComputeInvocationsPerWorkgroup\)/,
    ],
    [
      "workgroups",
      { maxComputeWorkgroupsPerDimension: 8 },
      /^webgpu: step 0 \(signs\): needs 256 workgroups, more than the 64 .*\(maxComputeWorkgroupsPerDimension\)/,
    ],
    [
      "parameters",
      { maxUniformBufferBindingSize: 16 },
      /^webgpu: step 0 \(signs\): needs \d+ bytes of parameters, .*\(maxUniformBufferBindingSize\)/,
    ],
  ])("names step and limit: %s", (_, limits, message) => {
    expect(compiling(32, 64, limits)).toThrow(message);
  });

  it("takes tiles that fit", () => {
    const few = compiling(32, 64, { maxComputeWorkgroupStorageSize: 2000 })();
    expect(few.kernels[1]).toBe("tiled 16x32x2");
  });
});

import { describe, expect, it, vi } from "vitest";
import { expectedOfBatch } from "../../../conformance/check-convolutions.js";
import { webgpuHere } from "../../../test-support/webgpu-here.js";
import { compileProgram, LIMITS, type Limits } from "./compile.js";
import { acquireGpu, type Gpu } from "./device.js";
import { TILED_FORMS } from "./forms.js";
import { LoadedProgram } from "./loaded.js";
import { preferredForms } from "./tune.js";

const here = await webgpuHere();
const { program, tensors } = expectedOfBatch(3, true);

describe.skipIf(!here)("forms", () => {
  it("race once for each shape class, where an adapter is none in software", async () => {
    const gpu = await acquireGpu();
    const { limits } = gpu.device;
    const within = Object.fromEntries(LIMITS.map((name) => [name, limits[name]])) as Limits;
    expect(await preferredForms({ ...gpu, software: true }, program, within)).toBe(undefined);
    // What it runs is of no account here: one form takes half of the time.
    const pipelines = { of: async () => ({}) } as unknown as Gpu["pipelines"];
    const hardware = { ...gpu, pipelines, software: false, name: "for this test" };
    const repeat = vi.spyOn(LoadedProgram.prototype, "repeat");
    let forms = 0;
    repeat.mockImplementation(async (_index, times) => {
      if (times === 1) forms++;
      return forms % (TILED_FORMS.length + 1) === 3 ? times / 2 : times;
    });
    const prefer = await preferredForms(hardware, program, within);
    const { kernels } = compileProgram(program, tensors, { limits: within, prefer });
    const chosen = new Set(kernels.filter((name) => name.startsWith("tiled")));
    expect([...chosen]).toEqual([TILED_FORMS[2].name]);
    const before = repeat.mock.calls.length;
    expect(before).toBeGreaterThan(0);
    await preferredForms(hardware, program, within);
    expect(repeat.mock.calls.length).toBe(before);
    repeat.mockRestore();
  });

  it("are timed by what they compute", async () => {
    const gpu = await acquireGpu();
    const { limits } = gpu.device;
    const compiled = compileProgram(program, tensors, { limits, prefer: () => "direct" });
    const loaded = await LoadedProgram.create(gpu, compiled, { most: 1 });
    const [once, again] = [await loaded.repeat(1, 1), await loaded.repeat(1, 1)];
    expect(await loaded.repeat(1, 60)).toBeGreaterThan(Math.min(once, again));
    loaded.dispose();
  });
});

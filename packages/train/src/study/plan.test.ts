import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UsageError } from "onebit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TrainingBackend } from "../runtime/providers.js";
import { checkStudy } from "./check.js";
import { planStudy } from "./runner.js";
import type { Variant } from "./study.js";

let out: string;
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "onebit-plan-"));
});
afterAll(() => rm(out, { recursive: true, force: true }));

const planned = (second: Omit<Variant, "name">, backend?: TrainingBackend) =>
  planStudy(
    checkStudy({
      ...{ name: "flat", question: "?", data: "glyphs", trainImages: 72, testImages: 36 },
      ...{ validation: 0.5, recipe: "plain", model: "linear", seeds: 1 },
      overrides: { epochs: 1, batch: 12, microBatch: 12, form: "real" },
      variants: [{ name: "b", ...second }, { name: "a" }],
      compare: { baseline: "a" },
      measures: ["test.top1"],
    }),
    { out, backend },
  );

const distils = { overrides: { loss: "distillation" } };

describe("a plan", () => {
  it("takes teachers that are yet to be trained", async () => {
    const { variants } = await planned({ ...distils, teachers: [{ variant: "a" }] });
    expect(variants.b.notes).toEqual(["without the time that its teachers take"]);
    expect(variants.b.fitted.loss).toBe("distillation");
  });

  it.each<[string, Omit<Variant, "name">, RegExp]>([
    [
      "nobody asks",
      { teachers: [{ variant: "a" }] },
      /^variants\[0\]: teacher a: the loss "cross-entropy" does not ask it/,
    ],
    ["are wanted", distils, /^variants\[0\]: the loss "distillation" .* asks a teacher/],
    [
      "are too few",
      { overrides: { loss: "distribution(teacher=1)" }, teachers: [{ variant: "a" }] },
      /^variants\[0\]: the loss .* asks 2 teachers, 1 given/,
    ],
    [
      "are not there",
      { ...distils, teachers: [{ path: "gone.onnx" }] },
      /^variants\[0\]: .*gone.onnx: there is no such file/,
    ],
    [
      "are not there, beside one to come",
      { ...distils, teachers: [{ variant: "a" }, { path: "gone.onnx" }] },
      /^variants\[0\]: gone.onnx: there is no such file or run/,
    ],
  ])("refuses teachers that %s, before any run", async (_, second, message) => {
    await expect(planned(second)).rejects.toThrow(message);
  });

  it("says what no run of it would understand", async () => {
    const own = join(out, "throws.mjs");
    await writeFile(own, "export default () => { throw new Error('odd'); };");
    const failed = planned({ overrides: { loss: own } });
    await expect(failed).rejects.toThrow(/^variants\[0\]: the loss .*throws.mjs" failed .*: odd/);
    await expect(planned({}, "gpu" as never)).rejects.toThrow(UsageError);
  });
});

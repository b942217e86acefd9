import { describe, expect, it } from "vitest";
import type { MetadataValue } from "../readers/checkpoint.js";
import { openCheckpoint } from "../readers/open-checkpoint.js";
import type { ImportableFamily } from "./families.js";
import { findForm } from "./form.js";
import { checkpointOf, rename, type Tensors, weightsOf } from "./test-support/checkpoints.js";

const small = { input: [3, 32, 32], classes: 4 } as const;
const reactnetA = () => weightsOf("reactnet", { ...small, widths: [4, 8], form: "step1" });
const reactnet18 = () =>
  weightsOf("reactnet-18", { ...small, width: 4, depths: [1, 1, 1, 1], stem: "small" });

async function found(
  family: ImportableFamily,
  tensors: Tensors,
  metadata: { [key: string]: MetadataValue } = {},
) {
  const checkpoint = await openCheckpoint(checkpointOf(tensors));
  return findForm(family, checkpoint.tensors, new Map(Object.entries(metadata)));
}

/** Weights as the authors released them: +-s per output channel. */
function released(tensors: Tensors): Tensors {
  const entries = Object.entries(tensors).map(([key, { shape, data }]) => {
    const length = data.length / shape[0];
    const sized = data.map((w, i) => Math.sign(w) * (1 + Math.floor(i / length)));
    return [key, { shape, data: /binary_/.test(key) ? sized : data }];
  });
  return Object.fromEntries(entries);
}

describe("ReActNet-A with 4-D weights", () => {
  it("is step 1, whose keys these are", async () => {
    expect(await found("reactnet", reactnetA())).toEqual({
      form: "step1",
      note: expect.stringMatching(/both .* steps have these keys; taken as step 1, real weights/),
    });
  });

  it("is binary where they are signs times a scale", async () => {
    expect(await found("reactnet", released(reactnetA()))).toEqual({ form: "binary" });
  });

  it.each([
    [[0, 0], "binary", /taken as step 2, .*does not decay/],
    [[0, 5e-6], "step1", /taken as step 1, .*optimiser decays/],
  ])("with an optimiser that decays weights by %j is %s", async (decays, form, note) => {
    const metadata = Object.fromEntries(
      decays.map((decay, i) => [`optimizer.param_groups.${i}.weight_decay`, decay]),
    );
    const result = await found("reactnet", reactnetA(), metadata);
    expect(result).toEqual({ form, note: expect.stringMatching(note) });
  });
});

describe("ReActNet on a ResNet", () => {
  it("is binary unless the optimiser says otherwise", async () => {
    const note = expect.stringMatching(/taken as step 2, binary weights, give the form/);
    expect(await found("reactnet-resnet", reactnet18())).toEqual({ form: "binary", note });
    const decays = { "optimizer.param_groups.1.weight_decay": 1e-5 };
    expect(await found("reactnet-resnet", reactnet18(), decays)).toMatchObject({ form: "step1" });
  });

  it("with flat weights, as before October 2020, is binary", async () => {
    const tensors = reactnet18();
    rename(tensors, /binary_conv\.weight$/, "binary_conv.weights");
    expect(await found("reactnet-resnet", tensors)).toEqual({ form: "binary" });
  });
});

it("BNext is told by its keys", async () => {
  for (const form of ["binary", "step1", "real"] as const) {
    const tensors = weightsOf("bnext", { ...small, widths: [8, 8, 8], form });
    expect(await found("bnext", tensors)).toEqual({ form });
  }
});

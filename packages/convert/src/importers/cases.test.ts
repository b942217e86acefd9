import { readdirSync } from "node:fs";
import { floatModelGraph } from "onebit/models";
import { pack } from "onebit/pack";
import { describe, expect, it } from "vitest";
import { prepareProgram } from "../../../core/src/runtime/backends/reference/program.js";
import { channelsLast } from "../../../core/src/test-support/compare-packed.js";
import { expectRuleA, imagesOf } from "../../../core/src/test-support/golden-networks.js";
import { readNpy } from "../../../core/src/test-support/npy.js";
import { shared } from "../../../core/src/test-support/shared.js";
import { openBuffer } from "../readers/open-buffer.js";
import { type ImportOptions, importCheckpoint } from "./import-checkpoint.js";

/** Checkpoints that were refused or taken for another network: B numbers, with the right logits. */
const rounded = "cases/logits-float16-weights-f64.npy";
const cases: readonly [number: string, told?: ImportOptions, logits?: string, input?: string][] = [
  [
    "B07",
    { input: [3, 64, 64] },
    "cases/B07-adambnn-bare-state-dict/logits-f64.npy",
    "goldens/reactnet-a-narrow/input.npy",
  ],
  ["B08"],
  ["B10"],
  ["B10", { wrapper: ["student"] }],
  ["B10", { wrapper: ["state_dict.student"] }],
  ["B12"],
  ["B13"],
  ["B15"],
  ["B17"],
  ["B19"],
  ["B20", {}, "cases/noelm-logits-f64.npy"],
  ["B21"],
];

const folder = shared("cases");

function fileOf(number: string): string {
  const name = readdirSync(folder!).find((entry) => entry.startsWith(number))!;
  const file = readdirSync(`${folder}/${name}`).find((entry) => /\.(pth|tar|ckpt)$/.test(entry));
  return `${folder}/${name}/${file}`;
}

async function imported(number: string, options: ImportOptions = {}) {
  const buffer = await openBuffer(fileOf(number));
  try {
    return await importCheckpoint(buffer, options);
  } finally {
    await buffer.close?.();
  }
}

describe("checkpoints of other people", () => {
  if (!folder) return it("skipped: no cases", () => {});

  it.each(cases)("%s has the official logits, packed", async (number, told, logits, input) => {
    const { model } = await imported(number, told);
    const { program, tensors } = pack(floatModelGraph(model), model.tensors);
    const images = readNpy(shared(input ?? "cases/noelm-input.npy")!);
    const expected = readNpy(shared(logits ?? rounded)!);
    const run = prepareProgram(program, tensors);
    const actual: number[] = [];
    for (let n = 0; n < expected.shape[0]; n++) {
      actual.push(...(await run.run(channelsLast(imagesOf(images, n)), 1)).logits);
    }
    expectRuleA({ shape: expected.shape, data: Float32Array.from(actual) }, expected);
  });

  it("B21 and B23 say how to take the other network", async () => {
    const { report } = await imported("B21");
    expect(report.notes.join()).toContain("--dict state_dict_ema imports it instead");
    await expect(imported("B23")).rejects.toThrow("--dict student or --dict teacher");
  });
});

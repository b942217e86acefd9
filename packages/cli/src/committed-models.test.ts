import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Summary } from "onebit/cost";
import { describe, expect, it } from "vitest";
import { shared } from "../../core/src/test-support/shared.js";
import type { EvaluationResult } from "./evaluation.js";
import { onebitJson } from "./test-support/run-cli.js";

const model = fileURLToPath(new URL("../../../models/fashion-mnist.onebit", import.meta.url));
const data = shared("data/fashion-mnist");

describe("models/fashion-mnist.onebit", () => {
  it("is a 1-bit network of at most 120 kB", async () => {
    expect(statSync(model).size).toBeLessThanOrEqual(120_000);
    const summary = await onebitJson<Summary>("summary", model);
    expect(summary.binaryShareOfMacs).toBeGreaterThanOrEqual(0.95);
    expect(summary.binaryShareOfParameters).toBeGreaterThanOrEqual(0.9);
  });

  it.skipIf(!data)("has the accuracy that its card states", async () => {
    const evaluation = await onebitJson<EvaluationResult>("eval", model, "--data", `idx:${data}`);
    expect(evaluation.images).toBe(10_000);
    expect(evaluation.top1).toBe(0.9257);
  });
});

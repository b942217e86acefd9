import { readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { EvaluationResult } from "@onebit/train/subjects";
import type { Summary } from "onebit/cost";
import { readOnebit } from "onebit/file";
import { describe, expect, it } from "vitest";
import { shared } from "../../core/src/test-support/shared.js";
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

  it("calls its classes by the data set's names, and is as large as its card says", async () => {
    const { labels } = await readOnebit(new Uint8Array(readFileSync(model)));
    // Of https://github.com/zalandoresearch/fashion-mnist, README, "Labels".
    const names = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"];
    expect(labels).toEqual([...names, "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]);
    const card = readFileSync(new URL("../../../models/README.md", import.meta.url), "utf8");
    expect(card).toContain(`| ${statSync(model).size.toLocaleString("en")} bytes;`);
  });

  it.skipIf(!data)("has the accuracy that its card states", async () => {
    const evaluation = await onebitJson<EvaluationResult>("eval", model, "--data", `idx:${data}`);
    expect(evaluation.images).toBe(10_000);
    expect(evaluation.top1).toBe(0.9257);
  });
});

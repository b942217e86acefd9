import { readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { EvaluationResult } from "@onebit/train/subjects";
import { load } from "onebit";
import type { Summary } from "onebit/cost";
import { readOnebit } from "onebit/file";
import { describe, expect, it } from "vitest";
import { cifarRecords, rightOnCifar } from "../../core/src/test-support/cifar-records.js";
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

const cifar = fileURLToPath(new URL("../../../models/cifar10.onebit", import.meta.url));
const cifarTest = shared("data/cifar10/test_first1000_lossless.bin.xz");

describe("models/cifar10.onebit", () => {
  it("is a 1-bit network of at most 130 kB with CIFAR-10's classes, as large as its card says", async () => {
    expect(statSync(cifar).size).toBeLessThanOrEqual(130_000);
    const { labels } = await readOnebit(new Uint8Array(readFileSync(cifar)));
    // Of https://www.cs.toronto.edu/~kriz/cifar.html.
    const names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog"];
    expect(labels).toEqual([...names, "horse", "ship", "truck"]);
    const card = readFileSync(new URL("../../../models/README.md", import.meta.url), "utf8");
    expect(card).toContain(`| ${statSync(cifar).size.toLocaleString("en")} bytes;`);
  });

  it.skipIf(!cifarTest)("has the accuracy on lossless images that its card states", async () => {
    const records = cifarRecords(cifarTest!);
    if (!records) return;
    using model = await load(cifar, { backend: "wasm" });
    const right = await rightOnCifar(model, records);
    const card = readFileSync(new URL("../../../models/README.md", import.meta.url), "utf8");
    expect(card).toContain(`${right} of the first 1,000 lossless test images`);
  });
});

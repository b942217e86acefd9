import { readFileSync } from "node:fs";
import { test } from "vitest";
import { shared } from "../../../core/src/test-support/shared.js";
import { mutateAndPrint } from "./test-support/mutations.js";

const timeout = 300_000;

/** Zip checkpoints of the official code: 5,000 mutations, none of which may change a value. */
const goldens: readonly (readonly [path: string, count: number])[] = [
  ["goldens/reactnet-a-narrow/state_dict.pth", 1500],
  ["goldens/reactnet-a-narrow/checkpoint-dataparallel.pth.tar", 1000],
  ["goldens/reactnet-a-narrow/checkpoint-with-optimizer.pth.tar", 500],
  ["goldens/reactnet-18-narrow/state_dict.pth", 500],
  ["goldens/reactnet-18-narrow/checkpoint-dataparallel.pth.tar", 500],
  ["goldens/bnext-narrow-c10/state_dict.pth", 250],
  ["goldens/bnext-narrow-c10/checkpoint-dataparallel.pth.tar", 250],
  ["goldens/bnext18-narrow-c10/state_dict.pth", 250],
  ["goldens/bnext18-narrow-c10/checkpoint-dataparallel.pth.tar", 250],
];

test.each(goldens)("%s: %i mutations", { timeout }, async (path, count) => {
  const full = shared(path);
  if (full) await mutateAndPrint(path, readFileSync(full), count);
});

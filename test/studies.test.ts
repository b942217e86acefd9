import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

interface Result {
  readonly runs: readonly {
    readonly variant: string;
    readonly seed: number;
    readonly figures: { readonly "test.top1": number };
  }[];
}

const folder = fileURLToPath(new URL("../studies/", import.meta.url));
const read = (path: string) => JSON.parse(readFileSync(`${folder}${path}`, "utf8"));
const names = readdirSync(folder).filter((name) => !name.includes("."));

describe.each(names)("studies/%s", (name) => {
  const { runs } = read(`${name}/study.json`) as Result;

  it("has a record of every run that its results are of", () => {
    expect(readdirSync(`${folder}${name}/runs`).toSorted()).toEqual(
      runs.map(({ variant, seed }) => `${variant}-seed${seed}`).toSorted(),
    );
    for (const { variant, seed, figures } of runs) {
      const { result } = read(`${name}/runs/${variant}-seed${seed}/run.json`);
      expect(result.test.top1).toBe(figures["test.top1"]);
    }
  });
});

it("the guide's table of what a teacher brought is that of the study", () => {
  const { runs } = read("cifar-distillation/study.json") as Result;
  const mean = (name: string) => {
    const own = runs.filter(({ variant }) => variant === name);
    return own.reduce((sum, { figures }) => sum + figures["test.top1"], 0) / own.length;
  };
  const guide = readFileSync(new URL("../docs/training.md", import.meta.url), "utf8");
  const [, table] = /### What a teacher brought(.+?)###/s.exec(guide) ?? [];
  const told = [...table.matchAll(/\| ([\d.]+) % \|/g)].map(([, figure]) => Number(figure));
  const wanted = ["labels", "distribution", "softened"].map((name) => 100 * mean(name));
  expect(told).toHaveLength(wanted.length);
  wanted.forEach((figure, i) => {
    expect(Math.abs(told[i] - figure)).toBeLessThanOrEqual(0.0501);
  });
});

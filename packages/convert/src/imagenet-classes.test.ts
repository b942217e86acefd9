import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { shared } from "../../core/src/test-support/shared.js";
import { imagenetClasses, imagenetLabels } from "./imagenet-classes.js";

describe("ImageNet's classes", () => {
  it("are 1000 with names and ids of their own, in the order of ids", () => {
    const synsets = imagenetClasses.map(({ synset }) => synset);
    expect(synsets.every((id) => /^n\d{8}$/.test(id))).toBe(true);
    expect(synsets).toEqual([...new Set(synsets)].sort());
    const names = imagenetClasses.map(({ name }) => name.toLowerCase());
    expect(new Set(names).size).toBe(1000);
    expect(names.every((name) => /^[a-z][a-z .'()-]+$/.test(name))).toBe(true);
  });

  it("are known by their numbers", () => {
    expect(imagenetLabels(1000)).toHaveLength(1000);
    expect(imagenetLabels(1001)?.slice(0, 2)).toEqual(["background", "tench"]);
    expect(imagenetLabels(100)).toBeUndefined();
  });

  const index = shared("data/imagenet-samples/imagenet_class_index.json");
  if (!index) return it("skipped: no list to compare with", () => {});

  it("are those of the published index", () => {
    const published = Object.values(JSON.parse(readFileSync(index, "utf8"))) as [string, string][];
    expect(imagenetClasses.map(({ synset }) => synset)).toEqual(published.map(([id]) => id));
    const others = imagenetClasses.filter(
      ({ name }, i) => name !== published[i][1].replaceAll("_", " "),
    );
    expect(others.map(({ name }) => name)).toEqual([
      "crane (bird)",
      "Cardigan Welsh corgi",
      "crane (machine)",
      "maillot (tank suit)",
    ]);
  });
});

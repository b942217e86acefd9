import { UsageError } from "onebit";
import { describe, expect, it } from "vitest";
import { asTheyAre, augmented, imageOf } from "../../test-support/augmented.js";
import { rng } from "../random.js";
import type { RawImage } from "../split.js";
import { chosen, magnitude, randAugment } from "./rand-augment.js";
import { RAND_OPERATIONS } from "./rand-operations.js";
import { parsePolicy } from "./rand-policy.js";

const picture = imageOf([16, 12, 3], (x, y, c) => 40 + x * 9 + y * 5 + c * 3);

describe("a policy", () => {
  it("is read as timm reads it", () => {
    expect(parsePolicy("rand-m7-mstd0.5-inc1")).toEqual({
      ...{ magnitude: 7, deviation: 0.5, most: 10, operations: 2 },
      ...{ increasing: true, probability: 0.5, weighted: false },
    });
    expect(parsePolicy("rand")).toMatchObject({ magnitude: 10, deviation: 0, increasing: false });
    expect(parsePolicy("rand-n3-p1.0-w0-mmax20-m15-mstd101")).toEqual({
      ...{ magnitude: 15, deviation: Number.POSITIVE_INFINITY, most: 20, operations: 3 },
      ...{ increasing: false, probability: 1, weighted: true },
    });
  });

  it.each([
    ["", 'character 1: begin with "rand"'],
    ["augmix-m5", 'character 1: begin with "rand"'],
    ["rand-m7-mstdx", 'character 13: "x" cannot follow "mstd": the deviation of magnitudes'],
    ["rand-m7-q3", 'character 9: unknown section "q3": there are m, mstd, mmax, n, inc, p, w'],
    ["rand-m7.5", 'character 7: "7.5" cannot follow "m": the magnitude, a whole number'],
    ["rand-m", 'character 7: "" cannot follow "m"'],
    ["rand--m7", 'character 6: unknown section ""'],
    ["rand-m7-", 'character 9: unknown section ""'],
    ["rand-m7-m8", 'character 9: "m" is given twice'],
    ["rand-p1.5", 'character 7: "1.5" cannot follow "p"'],
    ["rand-inc0", 'character 9: "0" cannot follow "inc": all operations grow'],
    ["rand-w1", 'character 7: "1" cannot follow "w"'],
    ["rand-n0", 'character 7: "0" cannot follow "n"'],
    ["rand-M7", 'unknown section "M7"'],
    ["rand-m7 ", 'character 7: "7 " cannot follow "m"'],
  ])("that is wrong says where: %j", (text, message) => {
    expect(() => parsePolicy(text)).toThrow(UsageError);
    expect(() => parsePolicy(text)).toThrow(message);
  });
});

describe("magnitudes", () => {
  it("are normal, cut off", () => {
    const random = rng(1);
    const policy = parsePolicy("rand-m7-mstd0.5");
    const drawn = Array.from({ length: 4000 }, () => magnitude(policy, random));
    const mean = drawn.reduce((sum, m) => sum + m) / 4000;
    const deviation = Math.sqrt(drawn.reduce((sum, m) => sum + (m - mean) ** 2, 0) / 4000);
    expect(mean).toBeCloseTo(7, 1);
    expect(deviation).toBeCloseTo(0.5, 1);
    const strong = parsePolicy("rand-m9-mstd2");
    const cut = Array.from({ length: 4000 }, () => magnitude(strong, random));
    // P(N(9, 2) > 10) = 0.309
    expect(cut.filter((m) => m === 10).length / 4000).toBeCloseTo(0.309, 1);
    expect(Math.max(...cut)).toBe(10);
  });

  it("are uniform where the deviation is above 100, and constant where it is 0", () => {
    const random = rng(2);
    const uniform = parsePolicy("rand-m8-mstd101");
    const drawn = Array.from({ length: 4000 }, () => magnitude(uniform, random));
    expect(drawn.filter((m) => m < 2).length / 4000).toBeCloseTo(0.25, 1);
    expect(Math.max(...drawn)).toBeLessThan(8);
    expect(magnitude(parsePolicy("rand-m15"), random)).toBe(10);
    expect(magnitude(parsePolicy("rand-m15-mmax30"), random)).toBe(15);
  });
});

describe("operations", () => {
  const counts = (policy: string) => {
    const random = rng(3);
    const seen = new Map(RAND_OPERATIONS.map(({ name }) => [name, 0]));
    for (let n = 0; n < 6000; n++) {
      for (const { name } of chosen(parsePolicy(policy), random)) {
        seen.set(name, seen.get(name)! + 1);
      }
    }
    return seen;
  };

  it("are timm's fifteen, all alike often", () => {
    const seen = counts("rand-n2");
    expect([...seen.keys()].join()).toBe(
      "AutoContrast,Equalize,Invert,Rotate,Posterize,Solarize,SolarizeAdd,Color,Contrast,Brightness,Sharpness,ShearX,ShearY,TranslateXRel,TranslateYRel",
    );
    for (const count of seen.values()) expect(Math.abs(count - 800)).toBeLessThan(120);
  });

  it("have weights where the policy says so, and come once each", () => {
    const seen = counts("rand-n1-w0");
    const share = (name: string) => seen.get(name)! / 6000;
    expect(share("Rotate")).toBeCloseTo(0.3, 1);
    expect(share("ShearX")).toBeCloseTo(0.2, 1);
    expect(share("Solarize")).toBeLessThan(0.012);
    expect([share("Invert"), share("Posterize")]).toEqual([0, 0]);
    const names = chosen(parsePolicy("rand-n13-w0"), rng(4)).map(({ name }) => name);
    expect(new Set(names).size).toBe(13);
  });

  it("are each done with probability ½, or as told", () => {
    const unchanged = (policy: string) => {
      const random = rng(5);
      let same = 0;
      for (let n = 0; n < 1500; n++) {
        const { data } = augmented(picture, { randAugment: policy }, random);
        if (Buffer.compare(data, picture.data) === 0) same++;
      }
      return same / 1500;
    };
    // Both operations left out: ¼; some of them change nothing by chance.
    expect(unchanged("rand-m9")).toBeGreaterThan(0.22);
    expect(unchanged("rand-m9")).toBeLessThan(0.4);
    expect(unchanged("rand-m9-p0")).toBe(1);
    expect(unchanged("rand-m9-p1")).toBeLessThan(0.1);
  });

  /** level: magnitude / 10. */
  const done = (name: string, level: number, increasing = false): RawImage => {
    const interpolation = () => "bicubic" as const;
    const context = { random: rng(6), interpolation, fill: [1, 2, 3] };
    const operation = RAND_OPERATIONS.find((one) => one.name === name)!;
    const { apply } = operation;
    return (increasing ? (operation.increasing ?? apply) : apply)(picture, level, context);
  };

  it("that increase do nothing at magnitude 0", () => {
    const always = ["AutoContrast", "Equalize", "Invert"];
    for (const { name } of RAND_OPERATIONS.filter(({ name }) => !always.includes(name))) {
      // Four bits are what timm's increasing Posterize begins with.
      if (name !== "Posterize") expect(done(name, 0, true), name).toEqual(picture);
    }
  });

  it("have timm's strengths at magnitude 7", () => {
    const values = (image: RawImage) => new Set(image.data);
    // Bits kept: int(2.8) = 2; increasing 4 - 2.
    expect([...values(done("Posterize", 0.7))].every((v) => v % 64 === 0)).toBe(true);
    expect(done("Posterize", 0, true).data.every((v) => v % 16 === 0)).toBe(true);
    // Threshold int(0.7 · 256) = 179; increasing 256 - 179 = 77.
    const solarized = (threshold: number) => picture.data.map((v) => (v < threshold ? v : 255 - v));
    expect(done("Solarize", 0.7).data).toEqual(solarized(179));
    expect(done("Solarize", 0.7, true).data).toEqual(solarized(77));
    // int(77) is added below 128.
    const added = picture.data.map((v) => (v < 128 ? v + 77 : v));
    expect(done("SolarizeAdd", 0.7).data).toEqual(added);
    // Factor 0.7 · 1.8 + 0.1 = 1.36; increasing 1 ± 0.63.
    const bright = (factor: number) =>
      picture.data.map((v) => Math.min(255, Math.trunc(factor * v)));
    const near = (image: RawImage, factor: number) =>
      bright(factor).every((v, i) => Math.abs(v - image.data[i]) <= 1);
    expect(near(done("Brightness", 0.7), 1.36)).toBe(true);
    const either = done("Brightness", 0.7, true);
    expect(near(either, 1.63) || near(either, 0.37)).toBe(true);
    // 0.45 of the width: of 16 pixels 7.2 are open at magnitude 10.
    const open = [...done("TranslateXRel", 1).data].filter((_, i) => i % 3 === 0 && i < 48);
    expect(open.filter((v) => v === 1)).toHaveLength(7);
  });
});

it("fills with the data's mean, and takes grey as it is", () => {
  const black = imageOf([20, 20, 3], () => 0);
  const random = rng(7);
  const change = randAugment.make(
    { policy: "rand-m10-n1-p1-w0", interpolation: "random" },
    asTheyAre(black),
  );
  const fills = new Set<string>();
  for (let n = 0; n < 60; n++) fills.add([...change(black, random).data.subarray(0, 3)].join());
  // 255 times 0.4, 0.5 and 0.6; what inverts and brightens has weights too small for 60 draws or none.
  expect(fills).toContain("102,128,153");
  const grey = imageOf([20, 20, 1], (x) => 10 * x);
  for (let n = 0; n < 60; n++) {
    const { channels, data } = augmented(grey, { randAugment: "rand-m9-p1" }, random);
    expect([channels, data.length]).toEqual([1, 400]);
  }
});

import { buildModel, floatModelGraph, type ModelOptions } from "onebit/models";
import { pack } from "onebit/pack";
import { describe, expect, it } from "vitest";
import { prepareProgram } from "../../../../core/src/runtime/backends/reference/program.js";
import { wasm } from "../../../../core/src/runtime/backends/wasm/index.js";
import { channelsLast } from "../../../../core/src/test-support/compare-packed.js";
import { randomImages, randomWeights } from "../../../../core/src/test-support/random-weights.js";
import { importCheckpoint } from "../import-checkpoint.js";
import { checkpointOf, type Tensors } from "../test-support/checkpoints.js";
import {
  type Bits,
  halfToEven,
  quantisedBnext,
  quantisedBnext18,
  type Rounding,
} from "../test-support/quantised-reference.js";

const small = { classes: 5, input: [3, 16, 16] } as const;
const widths = [8, 16, 32, 32];
const bnext18 = { ...small, width: 8, depths: [1, 2, 1, 1], stem: "small" } as const;

const tolerance = 2e-5;

/** What the official modules register beside every weight that they quantise; values are unused. */
function withBounds(tensors: Tensors, layers: RegExp): Tensors {
  const bounded = { ...tensors };
  for (const key of Object.keys(tensors)) {
    const layer = /^(.*)\.weight$/.exec(key)?.[1];
    if (!layer || !layers.test(key)) continue;
    const clip = layer === "fc" ? 25 : 1000;
    const bounds = { shape: [2], data: Float32Array.of(-clip, clip) };
    bounded[`${layer}.weight_clip_val`] = bounds;
    bounded[`${layer}.${layer === "fc" ? "act" : "activation"}_clip_val`] = bounds;
  }
  bounded["fc.scale"] = { shape: [], data: Float32Array.of(0) };
  return bounded;
}

interface Case {
  readonly what: string;
  readonly model: "bnext" | "bnext-18";
  readonly options: Partial<ModelOptions>;
  readonly told: string;
  readonly bits: Bits;
  /** What keys say, with the bits. */
  readonly quantised: string;
}

const cases: readonly Case[] = [
  {
    what: "BNext, 4-bit gates",
    ...{ model: "bnext", options: { ...small, widths }, told: "8-4-8", quantised: "8-4-8" },
    bits: { stem: 8, gates: 4, classifier: 8, shortcuts: 32 },
  },
  {
    what: "BNext, 8-bit gates",
    ...{ model: "bnext", options: { ...small, widths }, told: "8-8-8", quantised: "8-8-8" },
    ...{ bits: { stem: 8, gates: 8, classifier: 8, shortcuts: 32 } },
  },
  {
    what: "BNext, gates of three hidden channels, which are taken for a colour image",
    ...{ model: "bnext", options: { ...small, widths: [24, 24, 24] }, told: "8-8-8" },
    ...{ quantised: "8-8-8" },
    bits: { stem: 8, gates: 8, classifier: 8, shortcuts: 32 },
  },
  {
    what: "BNext with 32-bit gates",
    ...{ model: "bnext", options: { ...small, widths }, told: "8-32-8", quantised: "8-32-8" },
    ...{ bits: { stem: 8, gates: 32, classifier: 8, shortcuts: 32 } },
  },
  {
    what: "BNext-18, 4-bit gates (inputs 8), real stem",
    ...{ model: "bnext-18", options: bnext18, told: "8-4-8", quantised: "32-4-8-8" },
    bits: { stem: 32, gates: 4, classifier: 8, shortcuts: 8 },
  },
  {
    what: "BNext-18, 8-bit gates (inputs 16), real stem",
    ...{ model: "bnext-18", options: bnext18, told: "8-8-8", quantised: "32-8-8-8" },
    ...{ bits: { stem: 32, gates: 8, classifier: 8, shortcuts: 8 } },
  },
];

/**
 * What the second implementation says; then what it says with one number on the other level, for each
 * number that lies, in its float64, nearer to the edge of two levels than float32 can tell.
 * (One of 36 images needs it: at 207.50003 of 255 levels, float32 sees 207.49992.)
 */
function* sayings(official: (round: Rounding) => number[]): Generator<number[]> {
  const onEdge = (tipped: number) => {
    let seen = 0;
    const round: Rounding = (x, reach) => {
      const level = halfToEven(x);
      if (Math.abs(x - Math.floor(x) - 0.5) >= reach) return level;
      return seen++ === tipped ? level + (level > x ? -1 : 1) : level;
    };
    return { logits: official(round), seen };
  };
  const { logits, seen } = onEdge(-1);
  yield logits;
  for (let tipped = 0; tipped < seen; tipped++) yield onEdge(tipped).logits;
}

/** Relative to the largest logit; the first that is small enough, else the least. */
function leastError(logits: ArrayLike<number>, sayings: Iterable<readonly number[]>): number {
  let least = Number.POSITIVE_INFINITY;
  for (const expected of sayings) {
    const largest = Math.max(...expected.map(Math.abs));
    const error = Math.max(...expected.map((x, k) => Math.abs(x - logits[k])));
    least = Math.min(least, error / largest);
    if (least < tolerance) break;
  }
  return least;
}

describe.each(cases)("a checkpoint of the official class: $what", (one) => {
  const { model, options, told, bits, quantised } = one;
  const is18 = model === "bnext-18";
  const layers = is18 ? /^fc|\.se\.se\.|\.downsample\.1/ : /^fc|^feature\.0\.conv1|\.se\.se\./;

  it.each([1, 2])(
    "has the logits of a second implementation, on every backend (seed %i)",
    async (seed) => {
      const graph = buildModel(model, is18 ? { ...options, shortcutBias: true } : options);
      const tensors = randomWeights(graph, seed);
      const scales = Object.keys(tensors).filter((key) => /\.(Attention|FFN\w*)\.scale$/.test(key));
      const all = scales.flatMap((key) => [...tensors[key].data]);
      expect(Math.min(...all)).toBeLessThan(-0.1);
      expect(Math.max(...all)).toBeGreaterThan(1.1);

      const { model: found, report } = await importCheckpoint(
        checkpointOf(withBounds(tensors, layers)),
        { quantised: told, input: options.input },
      );
      expect(report.switches).toMatchObject({ quantised });
      const { program, tensors: packed } = pack(floatModelGraph(found), found.tensors);

      for (const n of [3, 4, 5]) {
        const image = randomImages([1, 3, 16, 16], 10 * seed + n);
        const planes = [0, 1, 2].map((c) => [...image.data.slice(256 * c, 256 * (c + 1))]);
        const input = channelsLast(image);
        const { logits } = await prepareProgram(program, packed).run(input, 1);
        const official = is18 ? quantisedBnext18 : quantisedBnext;
        const expected = sayings((round) =>
          official(tensors, { height: 16, width: 16, planes }, { ...bits, round }),
        );
        expect(leastError(logits, expected), `image ${n}`).toBeLessThan(tolerance);
        const compiled = await wasm.compile(program, packed, { threads: 1 });
        expect([...(await compiled.run(input, 1)).logits]).toEqual([...logits]);
      }
    },
  );
});

describe("what is quantised", () => {
  it("is told by its bounds, and said", async () => {
    const tensors = randomWeights(buildModel("bnext-18", { ...bnext18, shortcutBias: true }), 1);
    const file = checkpointOf(withBounds(tensors, /^fc|\.se\.se\.|\.downsample\.1/));
    const { report } = await importCheckpoint(file, { quantised: "8-4-8" });
    expect(report.switches).toMatchObject({ shortcutBias: true, quantised: "32-4-8-8" });
    expect(report.switches).not.toHaveProperty("storedScale");
    expect(report.notes).toContain(
      "bounds beside its weights tell that gates, classifier, shortcuts are quantised",
    );
  });

  it.each([
    ["bnext", { ...small, widths }],
    ["bnext-18", { ...bnext18, shortcutBias: true }],
  ] as const)("is not guessed where gates may have 4, 8 or 32 bits: %s", async (name, options) => {
    const tensors = randomWeights(buildModel(name, options), 1);
    const layers = /^fc|^feature\.0\.conv1|\.se\.se\.|\.downsample\.1/;
    const importing = importCheckpoint(checkpointOf(withBounds(tensors, layers)));
    await expect(importing).rejects.toThrow(
      /nothing in the file tells their bits: say --quantised 8-4-8 .* 8-8-8 .* or 8-32-8/,
    );
  });

  it("is all or none of a kind", async () => {
    const tensors = randomWeights(buildModel("bnext", { ...small, widths }), 1);
    const file = checkpointOf(withBounds(tensors, /^fc|^feature\.(0\.conv1|1\..*\.se)/));
    await expect(importCheckpoint(file)).rejects.toThrow(
      /se\.se\.\d\.weight has none: no official/,
    );
  });

  it("takes no fourth number where there are no shortcuts", async () => {
    const tensors = randomWeights(buildModel("bnext", { ...small, widths }), 1);
    const file = checkpointOf(withBounds(tensors, /^fc|^feature\.0\.conv1|\.se\.se\./));
    const importing = importCheckpoint(file, { quantised: "8-4-8-8" });
    await expect(importing).rejects.toThrow(/must be the bits of stem, gates and classifier, each/);
  });
});

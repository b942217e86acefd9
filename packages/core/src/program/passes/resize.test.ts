import { describe, expect, it } from "vitest";
import { writeOnebit } from "../../file/index.js";
import { GraphBuilder } from "../../graph/builder.js";
import { conv2d, linear } from "../../graph/layers.js";
import { buildModel } from "../../models/index.js";
import { pack } from "../../pack/index.js";
import { load } from "../../runtime/load.js";
import { randomImages, randomWeights } from "../../test-support/random-weights.js";
import { atInputSize } from "./resize.js";

const small = { classes: 5, widths: [4, 8, 8, 8, 16] };
const resnet = { classes: 5, width: 4, stem: "imagenet" } as const;

/** Every published family, the size it is packed for, and others that it can take. */
const networks: [model: string, options: object, from: number, to: [number, number][]][] = [
  [
    "bnext",
    small,
    32,
    [
      [64, 64],
      [48, 32],
      [16, 40],
    ],
  ],
  [
    "bnext",
    { ...small, stemStride: 2 },
    64,
    [
      [32, 32],
      [96, 64],
    ],
  ],
  [
    "bnext-18",
    resnet,
    64,
    [
      [128, 128],
      [96, 64],
    ],
  ],
  [
    "bnext-18",
    { ...resnet, stem: "small" },
    32,
    [
      [64, 64],
      [16, 32],
    ],
  ],
  [
    "bnext",
    { ...small, quantised: "8-4-8" },
    32,
    [
      [64, 64],
      [48, 32],
    ],
  ],
  [
    "reactnet",
    small,
    64,
    [
      [32, 32],
      [64, 96],
    ],
  ],
  [
    "reactnet",
    { classes: 5, widths: [32, 64, 128] },
    32,
    [
      [16, 16],
      [64, 48],
    ],
  ],
  [
    "reactnet-18",
    resnet,
    64,
    [
      [128, 128],
      [96, 160],
    ],
  ],
];

describe("a program at another input size", () => {
  it.each(networks)(
    "%s %j packed for %i is the one packed for it",
    (name, options, from, sizes) => {
      const built = (input: readonly [number, number, number]) =>
        buildModel(name, { ...options, input });
      const graph = built([3, from, from]);
      const weights = randomWeights(graph, 1);
      const { program, tensors } = pack(graph, weights);
      for (const [height, width] of sizes) {
        const direct = pack(built([3, height, width]), weights);
        expect(atInputSize(program, tensors, [height, width])).toEqual(direct.program);
        expect(tensors).toEqual(direct.tensors);
        expect(atInputSize(direct.program, tensors, [from, from])).toEqual(program);
      }
    },
  );

  const graph = buildModel("bnext", { ...small, input: [3, 32, 32] });
  const { program, tensors } = pack(graph, randomWeights(graph, 1));

  it.each([
    ["bnext-18", resnet],
    ["reactnet-18", resnet],
    ["reactnet", { classes: 5, widths: [4, 8, 16, 32, 64, 128] }],
  ])(
    "%s shrinks until its last map is one pixel, and says the same as one packed so",
    async (name, options) => {
      const built = (side: number) => buildModel(name, { ...options, input: [3, side, side] });
      const weights = randomWeights(built(64), 3);
      const large = pack(built(64), weights);
      const small = pack(built(32), weights);
      const images = randomImages([2, 3, 32, 32], 6);
      const input = { shape: images.shape, data: images.data as Float32Array };
      const logits: Float32Array[] = [];
      for (const backend of ["reference", "wasm"] as const) {
        using shrunk = await load(await writeOnebit(large), { backend, input: [32, 32] });
        using direct = await load(await writeOnebit(small), { backend });
        for (const model of [shrunk, direct]) logits.push((await model.run(input)).logits.data);
      }
      for (const other of logits.slice(1)) expect(other).toEqual(logits[0]);
      expect(() => atInputSize(small.program, small.tensors, [64, 64])).toThrow(
        /is one pixel at the size/,
      );
    },
  );

  it("is itself at its own size", () => {
    expect(atInputSize(program, tensors, [32, 32])).toBe(program);
  });

  it("refuses branches that no longer fit, maps below a kernel, and what is no size", () => {
    const at = (height: number, width: number) => () =>
      atInputSize(program, tensors, [height, width]);
    expect(at(33, 32)).toThrow(
      /cannot take 33x32: feature\.\d.*: maps of \d+x\d+ and \d+x\d+ do not combine.*packed for 32x32; multiples of 2 are safe/,
    );
    expect(at(1, 1)).toThrow(/cannot take 1x1: .*smaller than its kernel/);
    expect(at(0, 32)).toThrow(/input 0x32: sides must be positive whole numbers/);
    expect(at(1.5, 32)).toThrow(/sides must be positive whole numbers/);
    expect(at(2 ** 20, 2 ** 20)).toThrow(/at most \d+/);
  });

  it("refuses a classifier that reads a whole map", () => {
    const b = new GraphBuilder("flat");
    const map = conv2d(b, "conv", b.input("x", [1, 3, 8, 8]), { out: 4, kernel: 3, padding: 1 });
    b.output("logits", linear(b, "fc", b.op("reshape", [map], { shape: [0, -1] }), 2));
    const flat = b.build();
    const packed = pack(flat, randomWeights(flat, 1));
    expect(() => atInputSize(packed.program, packed.tensors, [16, 16])).toThrow(
      /fc.* is one pixel at the size it was packed for and would be 9x9/,
    );
    expect(() => atInputSize(packed.program, packed.tensors, [4, 4])).toThrow(
      /smaller than its kernel/,
    );
  });

  it("is what load gives when asked, preprocessing included", async () => {
    const preprocess = {
      ...{
        size: [32, 32] as [number, number],
        resize: 40,
        crop: "center" as const,
        channels: 3 as const,
      },
      ...{ interpolation: "bilinear" as const, mean: [0, 0, 0], std: [1, 1, 1] },
    };
    const file = await writeOnebit({ program, tensors, preprocess });
    using model = await load(file, { backend: "reference", input: [48, 64] });
    expect(model.info).toMatchObject({
      input: { channels: 3, height: 48, width: 64 },
      preprocess: { size: [48, 64], resize: 80, crop: "center" },
    });
    const images = randomImages([2, 3, 48, 64], 5);
    const logits = await model.run({ shape: images.shape, data: images.data as Float32Array });
    expect(logits.logits.shape).toEqual([2, 5]);
    await expect(load(file, { input: [31, 31] })).rejects.toThrow(/cannot take 31x31/);
  });
});

import { describe, expect, it } from "vitest";
import type { Program, ProgramTensors, Step } from "../../../program/types.js";
import { randomStream } from "../../../test-support/draw.js";
import { webgpuHere } from "../../../test-support/webgpu-here.js";
import { reference } from "../reference/index.js";
import { acquireGpu } from "./device.js";
import { type TiledForm, tile } from "./forms.js";
import { webgpuBackend } from "./index.js";

const here = await webgpuHere();
const subgroup = here ? (await acquireGpu()).subgroup : 1;

/** More pixels than a tile has, and words that channels do not fill. */
const SHAPE = [3, 7, 70] as const;
const [HEIGHT, WIDTH, CHANNELS] = SHAPE;

/** Signs, a convolution whose sums give two maps of bits, and the bits as numbers. */
function network(): { program: Program; tensors: ProgramTensors; image: Float32Array } {
  const random = randomStream(1);
  const numbers = (count: number) => Float32Array.from({ length: count }, () => random() - 0.5);
  const signs: Step = {
    ...{ kind: "pointwise", covers: [], input: 0 },
    epilogue: [["bits", 0, "low", 1, 0, -1]],
  };
  const conv: Step = {
    ...{ kind: "binary-conv", covers: [], input: 1, weight: "w", out: CHANNELS, kernel: [1, 1] },
    ...{ stride: [1, 1], padding: [0, 0], groups: 1, padValue: 0 },
    epilogue: [
      ["bits", 0, "low", 2, 0, -1],
      ["bits", 0, "high", 3, 0, -1],
    ],
  };
  const asNumbers = (input: number, to: number): Step => ({
    ...{ kind: "pointwise", covers: [], input },
    epilogue: [["store", 0, to, 0]],
  });
  const bytes = Math.ceil(CHANNELS / 8);
  const value = (name: string, kind: "map" | "bits") => ({ name, kind, shape: SHAPE });
  return {
    program: {
      values: [
        ...[value("x", "map"), value("signs", "bits"), value("v", "bits"), value("w", "bits")],
        ...[value("y", "map"), value("z", "map")],
      ],
      ...{ input: 0, steps: [signs, conv, asNumbers(2, 4), asNumbers(3, 5)] },
      outputs: { y: 4, z: 5 },
    },
    tensors: {
      low: { type: "float32", shape: [CHANNELS], data: numbers(CHANNELS) },
      high: { type: "float32", shape: [CHANNELS], data: numbers(CHANNELS).map((x) => 20 * x) },
      w: {
        ...{ type: "bits", shape: [CHANNELS, bytes] },
        data: Uint8Array.from({ length: CHANNELS * bytes }, (_, i) =>
          i % bytes === bytes - 1 ? (256 * random()) & (2 ** (CHANNELS % 8) - 1) : 256 * random(),
        ),
      },
    },
    image: numbers(HEIGHT * WIDTH * CHANNELS),
  };
}

interface Trial {
  readonly form?: TiledForm;
  /** Threads that shaders take subgroups to have. */
  readonly width?: number;
  readonly rewrite?: (shader: string) => string;
}

/** Whether all bits are right, and how many shaders with bits there were, with subgroups and in all. */
async function bits({ form = SMALL, width = subgroup, rewrite = (shader) => shader }: Trial) {
  let [gathering, joining] = [0, 0];
  const backend = webgpuBackend({
    ...{ prefer: () => form, fill: 0xffffffff, subgroup: width },
    rewrite(shader) {
      if (shader.includes("fn gather(")) gathering++;
      if (shader.startsWith("enable subgroups;")) joining++;
      return rewrite(shader);
    },
  });
  const { program, tensors, image } = network();
  const [expected, actual] = await Promise.all(
    [reference, backend].map(async (one) => {
      const executable = await one.compile(program, tensors, { threads: 1 });
      return executable.run(image, 1).finally(() => executable.dispose());
    }),
  );
  const right = Object.keys(expected).every((name) => `${expected[name]}` === `${actual[name]}`);
  return { right, gathering, joining };
}

/** Of eight threads along the channels, and of sixteen, each of which has bits of two words. */
const SMALL = tile([8, 8], [1, 4], 1);
const WIDE = tile([16, 16], [1, 4], 1);

/** Every other four threads get numbers of which no two that follow each other share a word. */
function shuffled(shader: string): string {
  const threads = Number(/@workgroup_size\((\d+)/.exec(shader)![1]);
  const far = `local.x * ${Math.max(9, threads / 8 + 1)}u % ${threads}u`;
  return shader.replace(
    "thread = local.x;",
    `thread = select(local.x, ${far}, local.x % 8u >= 4u);`,
  );
}

describe.skipIf(!here).each([SMALL, WIDE])("bits in $name", (form) => {
  it("are gathered without subgroups", async () => {
    expect(await bits({ form, width: 1 })).toEqual({ right: true, gathering: 2, joining: 0 });
  });

  // CI's software adapter has subgroups of 4.
  it.skipIf(subgroup === 1)("are joined by neighbours in subgroups", async () => {
    expect(await bits({ form })).toEqual({ right: true, gathering: 2, joining: 2 });
  });
});

describe.skipIf(subgroup === 1)("in subgroups", () => {
  it("threads go alone that are no neighbours", async () => {
    expect(await bits({ rewrite: shuffled })).toMatchObject({ right: true });
  });

  it.each<[string, (shader: string) => string]>([
    ["those are trusted", (shader) => shuffled(shader).replace(/subgroupAll\(.*\);/, "true;")],
    [
      "one distance is left out",
      (shader) => shader.replace(/All \|= subgroup.*, 2u\);/g, "All |= 0u;"),
    ],
    ["a word goes before its last bit", (shader) => shader.replace("i % 4u == 3u", "i % 4u == 2u")],
    [
      "only those that go first are heard",
      (shader) => shader.replaceAll("|= subgroupShuffleXor", "&= subgroupShuffleXor"),
    ],
  ])("a bit is wrong where %s", async (_, rewrite) => {
    expect(await bits({ rewrite })).toMatchObject({ right: false });
  });

  it.each([8, 32])(
    "of less than %i threads, which shaders were told, none are joined",
    async (width) => {
      expect(await bits({ width })).toMatchObject({ right: true, joining: 2 });
    },
  );
});

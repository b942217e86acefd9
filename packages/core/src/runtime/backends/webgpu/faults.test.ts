import { describe, expect, it } from "vitest";
import { checkConvolutions, expectedOfBatch } from "../../../conformance/check-convolutions.js";
import { checkNetwork, expectedOfNetwork } from "../../../conformance/check-networks.js";
import { type RandomProgram, randomProgram } from "../../../conformance/random-program.js";
import { webgpuHere } from "../../../test-support/webgpu-here.js";
import type { Backend } from "../../backend.js";
import { compileProgram, LIMITS, type Limits, type PreferForm } from "./compile.js";
import { tile } from "./forms.js";
import { webgpuBackend } from "./index.js";

const here = await webgpuHere();

/** What the shaders say, and the mistake in its place. */
type Mistake = readonly [what: string, right: string | RegExp, wrong: string];

const direct: PreferForm = () => "direct";
/** Small: a software adapter compiles it sooner. */
const small = tile([8, 8], [1, 4], 1);
const tiled: PreferForm = () => small;

const CONVOLUTION_MISTAKES: readonly Mistake[] = [
  ["padding off by one", "- i32(p.padX)", "- i32(p.padX) + 1"],
  ["the last row left out", "iy < p.height", "iy + 1u < p.height"],
  ["the column behind the last one read", "ix < p.width", "ix <= p.width"],
  ["strides swapped", "pixel / p.outWidth * p.strideY", "pixel / p.outWidth * p.strideX"],
  ["no tail mask", "& tap.w", "| (tap.w & 0u)"],
  [
    "two words of a quad swapped",
    "arena[place + 1u], arena[place + 2u]",
    "arena[place + 2u], arena[place + 1u]",
  ],
  ["a group's first bit forgotten", "group * p.groupIn + tap.z", "tap.z"],
  ["bits across words lost", "arena[place + 1u] << (32u - shift)", "0u"],
  ["one count missing", "counts.z + counts.w", "counts.z"],
  [
    "row and column classes swapped",
    "constant(p.columnClasses + pixel %",
    "constant(p.columnClasses + pixel /",
  ],
  ["the border's correction forgotten", "p.starts + border * p.out", "p.starts"],
  ["the wrong image", "base = place.z * p.imageWords", "base = 0u"],
];

const TILED_MISTAKES: readonly Mistake[] = [
  ["no barrier before the tile is read", /workgroupBarrier\(\);\n {4}for/, "for"],
  [
    "quads behind the last one taken",
    "k < p.depth) { quad = quads",
    "k <= p.depth) { quad = windows[0] + quads",
  ],
  [
    "a tile's channels beyond its group",
    "pixel < p.pixels && c < channelEnd) {\n      epilogue",
    "pixel < p.pixels) {\n      epilogue",
  ],
  ["a lane off by one", "let row = lane + i", "let row = lane + 1u + i"],
];

const NETWORK_MISTAKES: readonly Mistake[] = [
  ["threshold the other way", /if \(r(\d+) > /g, "if (r$1 >= "],
  ["no threshold at it", /if \(r(\d+) >= /g, "if (r$1 > "],
  [
    "prelu's branches swapped",
    /select\((r\d+ \* [^,]*), (r\d+), r\d+ > 0\.0\)/g,
    "select($2, $1, $2 > 0.0)",
  ],
  ["relu without its zero", /select\(0\.0, (r\d+)/g, "select(0.1, $1"],
  ["mix with its weights swapped", /keep\(1\.0 - (floats\[[^\]]*\])\)/g, "keep($1)"],
  ["affine's offset forgotten", /(keep\(r\d+ \* floats\[[^\]]*\]\)) \+ floats\[[^\]]*\]/g, "$1"],
  ["sigmoid of the other sign", "select(one, e, x < 0.0)", "select(one, e, x > 0.0)"],
  ["a slice's neighbour overwritten", "channel >= p.offset && c < p.count", "c < 64u"],
  ["bfloat16 cut off", "(u + 0x7fffu + ((u >> 16u) & 1u))", "u"],
  ["a mean over one row less", "y < p.height; y +=", "y + 1u < p.height; y +="],
  ["a window's lower row forgotten", "keep(first + number(lower))", "keep(first + number(upper))"],
  ["maximum from zero", "var most = -3.4028234663852886e+38f", "var most = 0.0"],
  ["the wrong divisor", "return divide(sum, p.area)", "return divide(sum, p.area + 1.0)"],
  ["a repeated value not repeated", /c % p\.r\d+c/g, "0u"],
  ["a grid's level cut off", "round(keep(divide", "floor(keep(divide"],
  ["the smallest number forgotten", "min(low, ends[lane].x)", "low"],
  ["inputs of a linear step", "floats[p.weights + i * p.out + c]", "floats[p.weights + i + c]"],
  ["a float group's first channel", "c / p.groupOut * p.groupIn", "0u"],
];

function withMistake([, right, wrong]: Mistake, prefer: PreferForm): Backend {
  return webgpuBackend({
    prefer,
    fill: 0xffffffff,
    rewrite: (shader) => shader.replace(right, wrong),
  });
}

/** Whether a program's shaders have a place for it. */
function concerns(
  [, right]: Mistake,
  { program, tensors }: Pick<RandomProgram, "program" | "tensors">,
  prefer: PreferForm,
): boolean {
  const { steps } = compileProgram(program, tensors, { limits: ENOUGH, prefer });
  return steps.flat().some(({ shader }) => shader !== shader.replace(right, ""));
}

const ENOUGH = Object.fromEntries(LIMITS.map((name) => [name, 2 ** 40])) as Limits;

async function isFoundInConvolutions(mistake: Mistake, prefer: PreferForm): Promise<boolean> {
  const backend = withMistake(mistake, prefer);
  for (let seed = 0; seed < 40; seed++) {
    const expectation = expectedOfBatch(seed);
    if (!concerns(mistake, expectation, prefer)) continue;
    const { differences } = await checkConvolutions(backend, 1, expectation);
    if (differences.length > 0) return true;
  }
  return false;
}

describe.skipIf(!here)("the suite finds", () => {
  it.each(CONVOLUTION_MISTAKES)("%s", async (...mistake) => {
    expect(await isFoundInConvolutions(mistake, direct)).toBe(true);
  });

  it.each(TILED_MISTAKES)("in tiles: %s", async (...mistake) => {
    expect(await isFoundInConvolutions(mistake, tiled)).toBe(true);
  });

  it.each(NETWORK_MISTAKES)("in networks: %s", async (...mistake) => {
    const backend = withMistake(mistake, direct);
    let [found, tried] = [false, 0];
    for (let seed = 0; !found && seed < 300; seed++) {
      if (!concerns(mistake, randomProgram(seed), direct)) continue;
      tried++;
      found = (await checkNetwork(backend, 1, await expectedOfNetwork(seed))) !== undefined;
    }
    expect(found, `${tried} networks`).toBe(true);
  });
});

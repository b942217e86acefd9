import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { load, OnebitError, UsageError } from "onebit";
import { readOnebit, writeOnebit } from "onebit/file";
import { parsePreprocess } from "onebit/image";
import { buildModel } from "onebit/models";
import { pack } from "onebit/pack";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { randomWeights } from "../../../core/src/test-support/random-weights.js";
import { randomWeights as wideWeights } from "../../../fuzz/src/random-weights.js";
import { integerNetwork } from "../integer/index.js";
import { compile, findTool, SANITIZED } from "../test-support/c-compiler.js";
import { exportC, nameFrom } from "./index.js";

const run = promisify(execFile);
const compiler = findTool(["gcc", "cc", "clang"], "gcc");
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-c-"));
});
afterAll(() => rm(folder, { recursive: true }));

const compiled = (name: string, sources: readonly string[], flags: readonly string[]) =>
  compile(compiler!, sources, join(folder, name), flags);

const fashion = fileURLToPath(new URL("../../../../models/fashion-mnist.onebit", import.meta.url));

async function written(name: string, files: { readonly [file: string]: string }) {
  const into = join(folder, name);
  await mkdir(into);
  for (const [file, text] of Object.entries(files)) await writeFile(join(into, file), text);
  return into;
}

describe.skipIf(!compiler)("a network as C", () => {
  it("says what onebit says, in the self-test and in the example", async () => {
    const file = await readOnebit(await readFile(fashion));
    const { files, constantBytes, arenaBytes } = await exportC(file, { name: "fashion" });
    expect(Object.keys(files)).toEqual([
      ...["fashion.h", "fashion.c", "selftest.c", "main.c", "CMakeLists.txt"],
    ]);
    expect(constantBytes).toBeGreaterThan(100_000);
    expect(files["fashion.h"]).toContain(`#define FASHION_ARENA_BYTES ${arenaBytes}`);
    const into = await written("fashion", files);
    const network = join(into, "fashion.c");
    const test = await compiled("selftest", [join(into, "selftest.c"), network], ["-O1"]);
    expect((await run(test)).stdout).toMatch(/^0 of 3 images/);
    const example = await compiled("example", [join(into, "main.c"), network], ["-O1"]);
    using model = await load(fashion);
    for (let n = 0; n < 3; n++) {
      const data = Uint8Array.from({ length: 784 }, (_, i) => (i * (7 + n)) % 251);
      await writeFile(join(into, "image"), data);
      const [best] = await model.classify({ data, width: 28, height: 28 }, { top: 1 });
      expect((await run(example, [join(into, "image")])).stdout).toBe(`${best.label}\n`);
    }
    await expect(run(example, [join(into, "none")])).rejects.toThrow(/usage: fashion FILE, of 784/);
  }, 120_000);

  it("says in whole numbers what onebit says in whole numbers", async () => {
    const file = await readOnebit(await readFile(fashion));
    const project = await exportC(file, { name: "whole", integer: true });
    const { files, constantBytes, arenaBytes, arithmetic } = project;
    expect(constantBytes).toBeLessThan(110_000);
    expect(arenaBytes).toBeLessThan(36_000);
    expect(files["whole.h"]).toContain(`#define WHOLE_ARITHMETIC "${arithmetic}"`);
    expect(files["whole.h"]).not.toContain("run_floats");
    expect(files["whole.c"]).not.toMatch(/\bdouble [a-z]|math\.h/);
    const into = await written("whole", files);
    const sources = ["selftest.c", "whole.c"].map((name) => join(into, name));
    const { stdout } = await run(await compiled("whole-test", sources, SANITIZED));
    expect(stdout).toMatch(/^0 of 3 images/);
    const again = await exportC(file, { name: "whole", integer: true });
    expect(again.files).toEqual(files);
    const images = [new Float32Array(784).fill(1)];
    const other = await exportC(file, { name: "whole", integer: { images } });
    expect(other.arithmetic).not.toBe(arithmetic);
  }, 120_000);

  it("finds by its self-test that a weight is another", async () => {
    const file = await readOnebit(await readFile(fashion));
    const { files } = await exportC(file, { name: "changed" });
    const source = files["changed.c"].replace(/0x[0-9a-f]{8}u/, "0x12345678u");
    const into = await written("changed", { ...files, "changed.c": source });
    const sources = ["selftest.c", "changed.c"].map((name) => join(into, name));
    const test = await compiled("changed-test", sources, ["-O1"]);
    await expect(run(test)).rejects.toMatchObject({ stdout: expect.stringMatching(/^[1-3] of 3/) });
  }, 60_000);

  it("stops a compiler of older C with what to do", async () => {
    const { files } = await exportC(await readOnebit(await readFile(fashion)), { name: "old" });
    const into = await written("old", files);
    const args = ["-std=c90", "-c", join(into, "old.c"), "-o", join(into, "old.o")];
    await expect(run(compiler!, args)).rejects.toThrow(/old\.c is C99: compile with -std=c99/);
  });

  it("compares sums near 2^31 with what they cannot overflow with", async () => {
    const graph = buildModel("bnext", { widths: [8, 16], classes: 1, input: [3, 8, 8] });
    // The stem's sums, and where its intervals begin, lie at both ends of 32 bits with these.
    const file = {
      ...pack(graph, wideWeights(graph, 2)),
      preprocess: parsePreprocess({
        ...{ size: [8, 8], channels: 3, resize: [8, 8], crop: "none", interpolation: "bilinear" },
        ...{ mean: [0.4, 0.4, 0.4], std: [0.2, 0.2, 0.2] },
      }),
    };
    const { files } = await exportC(file, { name: "wide", integer: true });
    const into = await written("wide", files);
    const sources = ["selftest.c", "wide.c"].map((name) => join(into, name));
    const { stdout } = await run(await compiled("wide-test", sources, SANITIZED));
    expect(stdout).toMatch(/^0 of 3/);
  }, 60_000);

  it("takes floats that are no numbers as onebit's whole numbers do", async () => {
    const graph = buildModel("bnext", { widths: [8, 16], classes: 3, input: [1, 4, 4] });
    const file = { ...pack(graph, randomWeights(graph, 2)) };
    const { files } = await exportC(file, { name: "nan", integer: true });
    const into = await written("nan", files);
    const given = ["NAN", "INFINITY", "-INFINITY", "3e38f"];
    const main = `#include "nan.h"
#include <math.h>
#include <stdio.h>
int main(void)
{
  const float given[] = { ${given.join(", ")} };
  for (int n = 0; n < 4; n++) {
    float image[16], scores[3];
    for (int i = 0; i < 16; i++) image[i] = given[n];
    if (nan_run_floats(image, scores) != 0) return 1;
    printf("%.9g %.9g %.9g\\n", (double)scores[0], (double)scores[1], (double)scores[2]);
  }
  return 0;
}
`;
    await writeFile(join(into, "main.c"), main);
    const sources = ["main.c", "nan.c"].map((name) => join(into, name));
    const flags = [...SANITIZED, "-fsanitize=float-cast-overflow"];
    const { stdout } = await run(await compiled("nan-test", sources, flags));
    const network = await integerNetwork(file);
    const wanted = [Number.NaN, 1 / 0, -1 / 0, 3e38].map((x) =>
      Array.from(network.run(new Float32Array(16).fill(x))),
    );
    const printed = stdout.trim().split("\n");
    expect(printed.map((line) => line.split(" ").map((x) => Math.fround(Number(x))))).toEqual(
      wanted,
    );
  }, 60_000);

  it("takes labels and inputs as they are", async () => {
    const graph = buildModel("bnext", { widths: [8, 16], classes: 3, input: [3, 8, 8] });
    const { program, tensors } = pack(graph, randomWeights(graph, 2));
    const labels = ['a "quoted" \\ one??/', "Größe", "*/ int x;"];
    const { files } = await exportC({ program, tensors, labels }, { name: "odd" });
    expect(files["odd.h"]).not.toContain("odd_run(");
    const into = await written("odd", files);
    const sources = ["selftest.c", "odd.c"].map((name) => join(into, name));
    expect((await run(await compiled("odd-test", sources, SANITIZED))).stdout).toMatch(/^0 of 3/);
    const tell = join(into, "tell.c");
    const print =
      '#include "odd.h"\n#include <stdio.h>\nint main(void) { for (int i = 0; i < 3; i++) puts(odd_labels[i]); return 0; }\n';
    await writeFile(tell, print);
    const { stdout } = await run(await compiled("odd-labels", [tell, sources[1]], []));
    expect(stdout.split("\n").slice(0, 3)).toEqual(labels);
  }, 60_000);
});

describe("what does not fit C", () => {
  const packed = async () => readOnebit(await readFile(fashion));

  it("is refused with by how much, and what takes it", async () => {
    const file = await packed();
    await expect(exportC(file, { name: "a", flash: 64_000 })).rejects.toThrow(
      /its constants take \d+ bytes of flash, \d+ more than the 64000 that it may have/,
    );
    await expect(exportC(file, { name: "a", ram: 16_000 })).rejects.toThrow(
      /its values take \d+ bytes of RAM, \d+ more than the 16000 .*; at \S+ there are .*\(\d+\)/,
    );
    await expect(exportC(file, { name: "a", ram: Number.NaN })).rejects.toBeInstanceOf(UsageError);
    const program = { ...file.program, outputs: { features: file.program.outputs.features } };
    const headless = await readOnebit(await writeOnebit({ program, tensors: file.tensors }));
    await expect(exportC(headless, { name: "a" })).rejects.toBeInstanceOf(OnebitError);
  });

  // selftest.c, <math.h>, CMake's target "test" and SIZE_WIDTH would be others than those of that name.
  const names = [
    "int",
    "2net",
    "my-net",
    "",
    "main",
    "a".repeat(40),
    "ä",
    "Selftest",
    "math",
    "test",
    "size",
    "UINT8",
    "features",
  ];
  it.each(names)("name %j", async (name) => {
    await expect(exportC(await packed(), { name })).rejects.toBeInstanceOf(UsageError);
    expect(nameFrom(name)).toMatch(/^[a-z][a-z0-9_]*$/);
    await expect(exportC(await packed(), { name: nameFrom(name), flash: 1 })).rejects.toThrow(
      /bytes of flash/,
    );
  });
});

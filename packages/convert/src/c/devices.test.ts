import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { load } from "onebit";
import { type OnebitFile, readOnebit } from "onebit/file";
import { programCost } from "onebit/program";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generatedImages, normaliseTable } from "../integer/images.js";
import { type IntegerNetwork, integerNetwork } from "../integer/index.js";
import { compile, findTool } from "../test-support/c-compiler.js";
import {
  compileFor,
  countInstructions,
  emulate,
  isHere,
  linkFor,
  memoryOf,
  TARGETS,
  type Target,
} from "../test-support/targets.js";
import { exportC } from "./index.js";

// ONEBIT_FULL=1 npx vitest run packages/convert/src/c/devices.test.ts: 100 images on each device and 1,000 here, and
// the figures of docs/devices.md.
const full = process.env.ONEBIT_FULL !== undefined;
const run = promisify(execFile);
const fashion = fileURLToPath(new URL("../../../../models/fashion-mnist.onebit", import.meta.url));
const NAME = "fashion";
let folder: string;
let file: OnebitFile;
let network: IntegerNetwork;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-devices-"));
  file = await readOnebit(await readFile(fashion));
  network = await integerNetwork(file);
  for (const integer of [false, true]) {
    const { files } = await exportC(file, { name: NAME, integer });
    await mkdir(folderOf(integer));
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(folderOf(integer), name), text);
    }
  }
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

const folderOf = (integer: boolean) => join(folder, integer ? "integer" : "float");

/** Some that nobody took, then noise. */
function images(count: number): Uint8Array[] {
  const generated = generatedImages([28, 28, 1]).slice(4, 4 + Math.ceil(count / 2));
  const noise = Array.from({ length: count - generated.length }, (_, n) =>
    Uint8Array.from({ length: 784 }, (_, i) => Math.imul(n * 31 + i + 1, 2_654_435_761) >>> 24),
  );
  return [...generated, ...noise];
}

const known = new Map<string, Promise<Uint32Array>>();

/** What onebit says of so many images: the bits of all scores, computed once. */
function wanted(given: readonly Uint8Array[], integer: boolean): Promise<Uint32Array> {
  const key = `${given.length} ${integer}`;
  if (!known.has(key)) known.set(key, scoresOf(given, integer));
  return known.get(key)!;
}

async function scoresOf(given: readonly Uint8Array[], integer: boolean): Promise<Uint32Array> {
  const table = normaliseTable(file.preprocess!);
  const scores = new Float32Array(10 * given.length);
  using model = await load(fashion, { backend: "wasm" });
  for (const [n, bytes] of given.entries()) {
    const image = Float32Array.from(bytes, (byte) => table[byte]);
    const logits = integer
      ? network.run(image)
      : (await model.run({ shape: [1, 1, 28, 28], data: image })).logits.data;
    scores.set(logits, 10 * n);
  }
  return new Uint32Array(scores.buffer);
}

/** A program that prints the bits of the scores of images that it has in itself. */
async function printer(given: readonly Uint8Array[]): Promise<string> {
  const rows = given.map((bytes) => `  { ${bytes.join(", ")} },`);
  const source = join(folder, `print-${given.length}.c`);
  await writeFile(
    source,
    `#include "${NAME}.h"
#include <stdio.h>
#include <string.h>

static const uint8_t images[${given.length}][784] = {
${rows.join("\n")}
};

int main(void)
{
  for (int n = 0; n < ${given.length}; n++) {
    float scores[10];
    uint32_t bits[10];
    if (${NAME}_run(images[n], scores) != 0) return 1;
    memcpy(bits, scores, sizeof bits);
    for (int i = 0; i < 10; i++) printf("%lu ", (unsigned long)bits[i]);
    printf("\\n");
  }
  return 0;
}
`,
  );
  return source;
}

const numbersIn = (text: string) => Uint32Array.from(text.trim().split(/\s+/), Number);

async function onDevice(target: Target, integer: boolean, given: readonly Uint8Array[]) {
  const from = folderOf(integer);
  const name = `${target.name.replace(/\W/g, "")}-${integer}`;
  const object = await compileFor(target, join(from, `${NAME}.c`), join(from, `${name}.o`));
  const image = join(folder, `${name}.elf`);
  await linkFor(target, [await printer(given), object], image, `-I${from}`);
  const memory = memoryOf(await readFile(`${image}.map`, "utf8"), `${name}.o`);
  return { printed: numbersIn(await emulate(target, image)), memory };
}

describe.each(["gcc", "clang"])("here, by %s", (compiler) => {
  const there = findTool([compiler], compiler);

  it.skipIf(!there).each([false, true])(
    "the bits of onebit, in whole numbers: %s",
    async (integer) => {
      const given = images(full ? 1_000 : 20);
      const sources = [await printer(given), join(folderOf(integer), `${NAME}.c`)];
      const flags = ["-O2", "-ffp-contract=off", `-I${folderOf(integer)}`];
      const out = await compile(compiler, sources, join(folder, `${compiler}-${integer}`), flags);
      const { stdout } = await run(out, { maxBuffer: 2 ** 26 });
      expect(numbersIn(stdout)).toEqual(await wanted(given, integer));
    },
    600_000,
  );
});

describe.each(TARGETS)("on $name", (target) => {
  const there = isHere(target);

  it.skipIf(!there).each([false, true])(
    "the bits of onebit, in whole numbers: %s",
    async (integer) => {
      const given = images(full ? 100 : 3);
      const { printed, memory } = await onDevice(target, integer, given);
      expect(printed).toEqual(await wanted(given, integer));
      if (full) console.log(`${target.name}, ${integer ? "integer" : "float"}:`, memory);
      if (!integer) return;
      expect(memory.flash).toBeLessThan(170_000);
      expect(memory.ram).toBeLessThan(64_000);
    },
    600_000,
  );

  it.skipIf(!there || !target.counting)(
    "instructions",
    async () => {
      const counts = await countInstructions(target, folderOf(true), NAME);
      const { steps } = network.integers.program;
      const costs = programCost(network.integers.program).steps;
      expect(counts).toHaveLength(steps.length);
      const rows = steps.flatMap((step, i) =>
        step.kind === "binary-conv"
          ? [{ layer: step.weight, kernel: step.kernel[0], per: counts![i] / costs[i].binaryMacs }]
          : [],
      );
      const total = counts!.reduce((sum, count) => sum + count, 0);
      const table = rows.map(({ layer, per }) => `  ${layer} ${per.toFixed(3)}`).join("\n");
      if (full) console.log(`${target.name}: ${total} instructions\n${table}`);
      if (!/^Cortex-M[47]$/.test(target.name)) return;
      // The first has 32 channels: nine words for each number are few beside what is done with the number.
      const [first, ...rest] = rows.filter(({ kernel }) => kernel === 3);
      expect(first.per).toBeLessThan(0.47);
      for (const { per } of rest) expect(per).toBeLessThan(0.4);
    },
    120_000,
  );
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OnebitError } from "../errors.js";
import { buildModel } from "../models/index.js";
import { pack } from "../pack/index.js";
import { prepareProgram } from "../runtime/backends/reference/program.js";
import { randomImages, randomWeights } from "../test-support/random-weights.js";
import { digest } from "./digest.js";
import {
  type OnebitFile,
  readOnebit,
  readSafetensors,
  type StoredTensor,
  writeOnebit,
  writeSafetensors,
} from "./index.js";
import { joinSmallFloats, splitSmallFloats } from "./small-floats.js";

const small = { classes: 3, input: [3, 8, 8] as const, widths: [9, 18, 18], quantised: "8-4-8" };
const graph = buildModel("bnext", { ...small, seReduction: 2 });
const file: OnebitFile = pack(graph, randomWeights(graph, 5));
const plain = buildModel("bnext", { ...small, seReduction: 2, quantised: undefined });
const image = randomImages([1, 3, 8, 8], 3).data as Float32Array;
const logits = async ({ program, tensors }: OnebitFile) =>
  (await prepareProgram(program, tensors).run(image, 1)).logits;

const stored = (bytes: Uint8Array) => {
  const { metadata, tensors } = readSafetensors(bytes);
  return splitSmallFloats(JSON.parse(metadata.onebit).floats, tensors);
};

const dataBytes = (bytes: Uint8Array) =>
  Object.values(stored(bytes)).reduce((total, { data }) => total + data.length, 0);

/** The file with some of its tensors changed, and its checksum made good again. */
async function forged(change: { [key: string]: Partial<StoredTensor> }, source = file) {
  const bytes = await writeOnebit(source);
  const { sha256: _, ...header } = JSON.parse(readSafetensors(bytes).metadata.onebit);
  const changed = Object.entries(stored(bytes)).map(([key, t]) => [key, { ...t, ...change[key] }]);
  const { tensors, floats } = joinSmallFloats(Object.fromEntries(changed));
  const rest = { ...header, floats };
  let at = 0;
  const table = Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
    at += data.length;
    return [name, dtype, shape, at - data.length] as const;
  });
  const all = new Uint8Array(Buffer.concat(Object.values(tensors).map(({ data }) => data)));
  const onebit = JSON.stringify({ ...rest, sha256: await digest(rest, table, all) });
  return writeSafetensors({ metadata: { onebit }, tensors }, 64);
}

describe("quantised weights in a file", () => {
  it("come back bit for bit, with the codes that they are made from", async () => {
    const read = await readOnebit(await writeOnebit(file));
    expect({ ...read.tensors }).toEqual(file.tensors);
    expect(await logits(read)).toEqual(await logits(file));
    expect(await readOnebit(await writeOnebit(read))).toEqual(read);
  });

  it("take the bytes of their bits", async () => {
    const tensors = stored(await writeOnebit(file));
    const bytes = (key: string) => tensors[key].data.length;
    // Filled up to 64: 9x3x3x3 codes of 8 bits; 18x9 of 4 bits, rounded up to a byte; 3x18 of 8.
    expect(bytes("feature.0.conv1.weight")).toBe(256);
    expect(bytes("feature.2.FFN.se.se.3.conv.weight")).toBe(128);
    expect(bytes("fc.weight")).toBe(64);
    // Low and range of each kernel plane, or row; a scale per output channel.
    expect(tensors["feature.0.conv1.weight:8-bit"].shape).toEqual([27 * 2 + 9]);
    expect(tensors["feature.2.FFN.se.se.3.conv.weight:4-bit"].shape).toEqual([18 * 3]);
    const whole = await writeOnebit(pack(plain, randomWeights(plain, 5)));
    expect(dataBytes(await writeOnebit(file))).toBeLessThan(dataBytes(whole));
  });

  it("are stored as numbers where they are no longer what their codes say", async () => {
    const weight = file.tensors["fc.weight"];
    const data = Float32Array.from(weight.data, (w, i) => (i ? w : 7));
    const tensors = { ...file.tensors, "fc.weight": { ...weight, data } as typeof weight };
    const read = await readOnebit(await writeOnebit({ ...file, tensors }));
    expect(read.tensors["fc.weight"].data).toEqual(data);
  });

  it("with int16 vectors, stay within half a step of each vector", async () => {
    const bytes = await writeOnebit(file, { vectors: "int16" });
    expect(Object.values(stored(bytes)).some(({ dtype }) => dtype === "I16")).toBe(true);
    expect(dataBytes(bytes)).toBeLessThan(dataBytes(await writeOnebit(file)));
    const read = await readOnebit(bytes);
    expect(read.program).toEqual(file.program);
    for (const [key, { data }] of Object.entries(file.tensors)) {
      const [low, high] = [Math.min(...data), Math.max(...data)];
      // A weight is moved by its low and by its range.
      const steps = key.endsWith(".weight") ? 4 : 1;
      const tolerance = (steps * 1.01 * (high - low)) / 65_535;
      data.forEach((x, i) => {
        expect(Math.abs(read.tensors[key].data[i] - x), key).toBeLessThanOrEqual(tolerance);
      });
    }
    const [exact, narrow] = [await logits(file), await logits(read)];
    const largest = Math.max(...exact.map(Math.abs));
    exact.forEach((x, i) => {
      expect(Math.abs(narrow[i] - x)).toBeLessThan(1e-3 * largest);
    });
  });

  it("keeps a vector of few large and many small numbers as float32", async () => {
    const [key] = Object.keys(file.tensors).filter((name) => name.endsWith(".slope"));
    const data = Float32Array.from(file.tensors[key].data, (x, i) => (i ? x : 1e6));
    const tensors = {
      ...file.tensors,
      [key]: { type: "float32", shape: [data.length], data } as const,
    };
    const bytes = await writeOnebit({ ...file, tensors }, { vectors: "int16" });
    expect(stored(bytes)[key].dtype).toBe("F32");
    expect((await readOnebit(bytes)).tensors[key].data).toEqual(data);
  });

  it("refuses vectors of an unknown form", async () => {
    const wrong = writeOnebit(file, { vectors: "int3" as "int16" });
    await expect(wrong).rejects.toThrow(/vectors "int3": must be float32 or int16/);
  });

  const key = "feature.2.FFN.se.se.3.conv.weight";
  const codes = () => Uint8Array.from({ length: 128 }, (_, i) => (i < 81 ? 17 : 0));
  it.each<[string, Parameters<typeof forged>[0], RegExp]>([
    [
      "too few codes",
      { "fc.weight": { shape: [0], data: new Uint8Array(0) } },
      /holds 0 bytes of U8 for \[3,18\] of 8 bits/,
    ],
    ["padding", { [key]: { data: codes().fill(1, 82) } }, /padding is not zero/],
    [
      "too few levels",
      { [`${key}:4-bit`]: { shape: [17], data: new Uint8Array(68) } },
      /17 numbers do not fit \[18,9\]/,
    ],
    [
      "a level that is no number",
      { "fc.weight:8-bit": { data: new Uint8Array(36).fill(255) } },
      /"fc.weight": element 0 is NaN/,
    ],
    [
      "levels of another type",
      { "fc.weight:8-bit": { dtype: "I16", shape: [4], data: new Uint8Array(8) } },
      /4 numbers are no I16 vector/,
    ],
  ])("is refused with %s", async (_, change, message) => {
    await expect(readOnebit(await forged(change))).rejects.toThrow(message);
  });

  it("is refused where nothing says what codes mean", async () => {
    const change = { "fc.weight": { dtype: "U8", shape: [216] } } as const;
    const bytes = await forged(change, pack(plain, randomWeights(plain, 5)));
    await expect(readOnebit(bytes)).rejects.toThrow(/holds codes, and nothing says what they mean/);
  });

  it("is refused, whichever bytes change", async () => {
    const original = await writeOnebit(file, { vectors: "int16" });
    const before = await readOnebit(original);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(original.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, flip) => {
          const bytes = original.slice();
          bytes[at] ^= flip;
          try {
            expect(await readOnebit(bytes)).toEqual(before);
          } catch (error) {
            if (!(error instanceof OnebitError)) throw error;
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

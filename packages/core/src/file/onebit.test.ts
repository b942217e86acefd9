import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OnebitError } from "../errors.js";
import { buildModel } from "../models/index.js";
import { pack } from "../pack/index.js";
import { prepareProgram } from "../runtime/backends/reference/program.js";
import { randomStream } from "../test-support/draw.js";
import { randomImages, randomWeights } from "../test-support/random-weights.js";
import { toFloat16 } from "./float16.js";
import {
  type OnebitFile,
  readOnebit,
  readSafetensors,
  writeOnebit,
  writeSafetensors,
} from "./index.js";

const graph = buildModel("bnext", {
  classes: 3,
  input: [1, 8, 8],
  widths: [8, 16, 16],
});
const packed = pack(graph, randomWeights(graph, 5));
const file: OnebitFile = {
  ...packed,
  preprocess: {
    size: [8, 8],
    channels: 1,
    crop: "center",
    interpolation: "bilinear",
    mean: [0.1307],
    std: [0.3081],
  },
  labels: ["ankle boot", "Mütze", "t-shirt"],
  card: { data: "none", accuracy: 0.5, seed: 1 },
};
const image = randomImages([1, 1, 8, 8], 3).data as Float32Array;
const logits = async ({ program, tensors }: OnebitFile) =>
  (await prepareProgram(program, tensors).run(image, 1)).logits;

const dataBytes = (bytes: Uint8Array) =>
  Object.values(readSafetensors(bytes).tensors).reduce((sum, { data }) => sum + data.length, 0);

describe(".onebit", () => {
  it("gives back what was written", async () => {
    const read = await readOnebit(await writeOnebit(file));
    expect(read.program).toEqual(file.program);
    expect({ ...read.tensors }).toEqual(file.tensors);
    expect(read).toMatchObject({
      preprocess: file.preprocess,
      labels: file.labels,
      card: file.card,
    });
  });

  it("is a safetensors file: aligned, without holes, packed tensors first", async () => {
    const bytes = await writeOnebit(file, { realWeights: "int8" });
    const { tensors } = readSafetensors(bytes);
    const types = Object.values(tensors).map(({ dtype }) => dtype);
    expect([...new Set(types)]).toEqual(["U8", "F32", "I8"]);
    for (const { dtype, data } of Object.values(tensors)) {
      if (dtype === "U8") expect(data.byteOffset % 64).toBe(0);
      if (dtype === "F32") expect(data.byteOffset % 4).toBe(0);
    }
  });

  it("reads from a view at any offset", async () => {
    const bytes = await writeOnebit(file);
    for (const offset of [1, 2, 64]) {
      const shifted = new Uint8Array(bytes.length + offset);
      shifted.set(bytes, offset);
      const read = await readOnebit(shifted.subarray(offset));
      expect({ ...read.tensors }).toEqual(file.tensors);
    }
  });

  it.each(["float16", "int8"] as const)("stores real weights as %s", async (realWeights) => {
    const bytes = await writeOnebit(file, { realWeights });
    expect(dataBytes(bytes)).toBeLessThan(dataBytes(await writeOnebit(file)));
    const read = await readOnebit(bytes);
    const { steps } = file.program;
    const real = steps.flatMap((s) => (s.kind === "conv" || s.kind === "linear" ? [s.weight] : []));
    for (const [key, { data, shape }] of Object.entries(file.tensors)) {
      const restored = read.tensors[key].data;
      if (!real.includes(key)) expect(restored).toEqual(data);
      const length = data.length / shape[0];
      data.forEach((w, i) => {
        const row = data.slice(i - (i % length), i - (i % length) + length);
        const largest = Math.max(...Array.from(row, Math.abs));
        const step =
          realWeights === "int8" ? largest / 254 : Math.max(Math.abs(w), 2 ** -14) / 2048;
        if (real.includes(key)) expect(Math.abs(restored[i] - w)).toBeLessThanOrEqual(step * 1.001);
        if (real.includes(key) && realWeights === "float16") {
          expect(toFloat16(restored[i])).toBe(toFloat16(w));
        }
      });
    }
    const [exact, narrow] = [await logits(file), await logits(read)];
    exact.forEach((x, i) => {
      expect(narrow[i]).toBeCloseTo(x, 0);
    });
  });

  it("refuses what does not belong together when writing", async () => {
    await expect(writeOnebit({ ...file, labels: ["one"] })).rejects.toThrow(
      /labels: a list of 1 for 3 classes/,
    );
    const preprocess = { ...file.preprocess!, size: [9, 8] as [number, number] };
    await expect(writeOnebit({ ...file, preprocess })).rejects.toThrow(/gives \[9,8,1\]/);
    const wrong = writeOnebit(file, { realWeights: "int3" as "int8" });
    await expect(wrong).rejects.toThrow(/real weights "int3": must be float32, float16, int8/);
  });
});

describe("a damaged or forged .onebit", () => {
  it("is refused, whichever bytes change (20,000 mutations)", { timeout: 60_000 }, async () => {
    const original = await writeOnebit(file, { realWeights: "int8" });
    const before = await readOnebit(original);
    const position = fc.oneof(fc.nat(200), fc.nat(original.length - 1));
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(position, fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const bytes = original.slice();
        bytes[at] ^= flip;
        try {
          // Only what means nothing can change: spaces of the padding, the spelling of a number.
          expect(await readOnebit(bytes)).toEqual(before);
        } catch (error) {
          if (!(error instanceof OnebitError)) throw error;
          refused++;
        }
      }),
      { numRuns: 20_000 },
    );
    expect(refused).toBeGreaterThan(19_700);
  });

  it("is said to be damaged, whatever its data have become", async () => {
    const original = await writeOnebit(file);
    const start = original.length - dataBytes(original);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: start, max: original.length - 4 }), async (at) => {
        const bytes = original.slice();
        // Somewhere a NaN, or bits of a padding.
        bytes.fill(255, at, at + 4);
        if (Buffer.compare(bytes, original) === 0) return;
        await expect(readOnebit(bytes)).rejects.toThrow(/^the file is damaged: its SHA-256/);
      }),
      { numRuns: 300 },
    );
  });

  it("is refused when cut off anywhere, or continued", async () => {
    const original = await writeOnebit(file);
    for (let length = 0; length < original.length; length += 1 + (length >> 4)) {
      await expect(readOnebit(original.subarray(0, length))).rejects.toThrow(OnebitError);
    }
    const longer = new Uint8Array(original.length + 1);
    longer.set(original);
    await expect(readOnebit(longer)).rejects.toThrow(OnebitError);
  });

  it("is refused when two tensors swap places", async () => {
    const { metadata, tensors } = readSafetensors(await writeOnebit(file));
    const twins = Object.keys(tensors).filter((key) => tensors[key].data.length === 64);
    const [a, b] = twins;
    const swapped = { ...tensors, [a]: tensors[b], [b]: tensors[a] };
    const bytes = writeSafetensors({ metadata, tensors: swapped }, 64);
    await expect(readOnebit(bytes)).rejects.toThrow(/SHA-256/);
  });

  /** The file with its header changed, and its checksum made good again. */
  async function forged(change: (header: Record<string, unknown>) => void): Promise<Uint8Array> {
    const { metadata, tensors } = readSafetensors(await writeOnebit(file));
    const header = JSON.parse(metadata.onebit);
    change(header);
    const { sha256: _, ...rest } = header;
    const { digest } = await import("./digest.js");
    let at = 0;
    const table = Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
      const start = at;
      at += data.length;
      return [name, dtype, shape, start] as const;
    });
    const all = new Uint8Array(Buffer.concat(Object.values(tensors).map(({ data }) => data)));
    header.sha256 = await digest(rest, table, all);
    return writeSafetensors({ metadata: { onebit: JSON.stringify(header) }, tensors }, 64);
  }

  it("is refused, or runs, whatever numbers its program holds (1,500 forgeries)", {
    timeout: 60_000,
  }, async () => {
    const random = randomStream(7);
    const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)];
    const telling = [0, 1, -1, 2, 3, 7, 8, 255, 4096, 65_536, 2 ** 26, 2 ** 31, 1e300, 0.5, null];
    let accepted = 0;
    for (let i = 0; i < 1500; i++) {
      const bytes = await forged(({ program }) => {
        let at = program as { [key: string]: unknown };
        for (;;) {
          const key = pick(Object.keys(at));
          const next = at[key];
          if (typeof next !== "object" || next === null || Object.keys(next).length === 0) {
            at[key] =
              typeof next === "number" && random() < 0.4 ? next + pick([-1, 1]) : pick(telling);
            return;
          }
          at = next as typeof at;
        }
      });
      try {
        const { program, tensors } = await readOnebit(bytes);
        accepted++;
        const sizes = program.values.map(({ shape }) => shape.reduce((n, d) => n * d, 1));
        if (Math.max(...sizes) > 1e5) continue;
        const image = new Float32Array(sizes[program.input]);
        const outputs = await prepareProgram(program, tensors).run(image, 1);
        expect(Object.keys(outputs)).toEqual(Object.keys(program.outputs));
      } catch (error) {
        if (!(error instanceof OnebitError)) throw error;
      }
    }
    expect(accepted).toBeLessThan(750);
  });

  type Program = { values: number[][]; steps: unknown[][]; input: unknown; outputs: object };
  it.each<[string, (header: { program: Program; [entry: string]: unknown }) => void, RegExp]>([
    [
      "a later format",
      (h) => Object.assign(h, { format: 2, needs: "3.1.0" }),
      /format 2: it needs onebit >= 3.1.0/,
    ],
    [
      "an unknown step kind",
      (h) => Object.assign(h, { requires: ["conv", "embedding"], needs: "0.4.0" }),
      /steps of kind embedding: it needs onebit >= 0.4.0/,
    ],
    ["no program", (h) => Object.assign(h, { program: 7 }), /program: must be an object, is 7/],
    [
      "an unknown kind number",
      (h) => h.program.steps[0].splice(0, 1, 9),
      /index 9 is outside a list/,
    ],
    ["a step cut short", (h) => h.program.steps[0].pop(), /steps\[0\]: is too short/],
    ["a step too long", (h) => h.program.steps[0].push(0), /steps\[0\]: is too long/],
    [
      "an unknown input",
      (h) => h.program.steps[0].splice(1, 1, 999),
      /is not the index of a value/,
    ],
    ["an input that is no number", (h) => Object.assign(h.program, { input: "x" }), /whole number/],
    ["no outputs", (h) => Object.assign(h.program, { outputs: {} }), /no outputs/],
    ["a huge value", (h) => h.program.values[1].splice(2, 3, 1e9, 1e9, 1e9), /product of at most/],
    [
      "labels that are none",
      (h) => Object.assign(h, { labels: [1, 2, 3] }),
      /labels: must be a string/,
    ],
    [
      "preprocessing of another size",
      (h) => Object.assign(h.preprocess!, { size: [4, 4] }),
      /gives \[4,4,1\]/,
    ],
  ])("is refused with %s", async (_, change, message) => {
    await expect(readOnebit(await forged(change as never))).rejects.toThrow(message);
  });

  it("is refused when its brackets never end", async () => {
    const deep = "[".repeat(1e6) + "]".repeat(1e6);
    const header = (fields: string) =>
      `{"format":1,"needs":"1","requires":[],${fields},"sha256":""}`;
    for (const text of [deep, header(`"program":${deep}`), header(`"needs":${deep}`)]) {
      const bytes = writeSafetensors({ metadata: { onebit: text }, tensors: {} });
      await expect(readOnebit(bytes)).rejects.toThrow(OnebitError);
    }
  });

  it("is told from a float model", async () => {
    const bytes = writeSafetensors({ metadata: {}, tensors: {} });
    await expect(readOnebit(bytes)).rejects.toThrow(/not a packed network/);
    await expect(readOnebit(new Uint8Array(4))).rejects.toThrow(/not a safetensors file/);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "../conformance/random.js";
import { UsageError } from "../errors.js";
import { readSafetensors, writeSafetensors } from "../file/safetensors.js";
import {
  type BitIndex,
  type FloatIndex,
  makeIndex,
  openSearch,
  readIndex,
  type VectorForm,
  type VectorIndex,
  writeIndex,
} from "./index.js";
import { smallest } from "./smallest.js";

/** Numbers around a mean that is not 0, as pooled features have it. */
function vectors(count: number, width: number, seed = 1): Float32Array[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () =>
    Float32Array.from({ length: width }, (_, i) => 2 * random.number() - 1 + (i % 3)),
  );
}

const namesOf = (list: readonly unknown[]) => list.map((_, i) => `${i}.jpg`);
const indexOf = (list: readonly Float32Array[], form: VectorForm) =>
  makeIndex(list, { form, names: namesOf(list), network: "abc", output: "features" });

/** Every distance, by the definition, in float64. */
function plainDistances(list: readonly Float32Array[], query: Float32Array, form: VectorForm) {
  if (form === "floats") {
    const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i], 0);
    return list.map((v) => 1 - dot(v, query) / Math.sqrt(dot(v, v) * dot(query, query)));
  }
  const means = query.map((_, i) => list.reduce((sum, v) => sum + v[i], 0) / list.length);
  return list.map((v) =>
    v.reduce((sum, x, i) => sum + Number(x > means[i] !== query[i] > means[i]), 0),
  );
}

describe.each(["floats", "bits"] as const)("nearest neighbours by %s", (form) => {
  it.each([1, 8, 63, 64, 130, 1000])("of %i numbers are those of the definition", async (width) => {
    const list = vectors(40, width, width);
    const query = vectors(1, width, width + 1)[0];
    const wanted = plainDistances(list, query, form);
    using search = await openSearch(indexOf(list, form), { backend: "wasm" });
    const found = search.nearest(query, 40);
    expect(found.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual([...list.keys()]);
    for (const { index, name, distance } of found) {
      expect(name).toBe(`${index}.jpg`);
      expect(Math.abs(distance - wanted[index])).toBeLessThan(form === "bits" ? 1e-9 : 1e-5);
    }
    const distances = found.map(({ distance }) => distance);
    expect(distances).toEqual(distances.toSorted((a, b) => a - b));
  });

  it("are the same on every backend, bit for bit", async () => {
    for (const width of [5, 64, 100, 1024]) {
      const list = vectors(30, width, width);
      const index = indexOf(list, form);
      const answers = ["wasm", "reference"].map(async (backend) => {
        using search = await openSearch(index, { backend: backend as "wasm" });
        return vectors(3, width, 9).map((query) => search.nearest(query, 30));
      });
      const [wasm, reference] = await Promise.all(answers);
      expect(wasm).toEqual(reference);
    }
  });

  it("come with what they are, the first of equals first; a vector finds itself", async () => {
    const [a, b] = vectors(2, 20);
    using search = await openSearch(indexOf([b, a, b, a], form));
    expect(search.nearest(a, 3).map(({ index }) => index)).toEqual([1, 3, 0]);
    const [{ distance }] = search.nearest(a, 1);
    expect(Math.abs(distance)).toBeLessThan(1e-6);
    expect(Object.keys(search.backendReasons)).not.toContain(search.backend);
  });

  it("survive a file, whose every byte counts", async () => {
    const index = indexOf(vectors(5, 20), form);
    const file = await writeIndex(index);
    expect(await readIndex(file)).toEqual(index);
    const changes = fc.tuple(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(changes, async ([at, change]) => {
        const edited = file.slice();
        edited[at] ^= change;
        // Spaces of the header mean nothing.
        if (at >= 8 && file[at] === 0x20 && edited[at] <= 0x20) return;
        await expect(readIndex(edited)).rejects.toThrow();
      }),
      { numRuns: 150 },
    );
  });

  it("refuse what cannot be asked", async () => {
    using search = await openSearch(indexOf(vectors(3, 4), form));
    const query = Float32Array.of(1, 2, 3, 4);
    expect(() => search.nearest(query, 4)).toThrow(
      new UsageError("4 neighbours: the index has 3 vectors: ask for 1 to 3"),
    );
    expect(() => search.nearest(query, 0)).toThrow(/ask for 1 to 3/);
    expect(() => search.nearest(query, 1.5)).toThrow(UsageError);
    expect(() => search.nearest(query.subarray(1), 1)).toThrow(/3 numbers, 4 wanted/);
    expect(() => search.nearest(Float32Array.of(1, Number.NaN, 0, 0), 1)).toThrow(/number 1 .*NaN/);
    search.dispose();
    expect(() => search.nearest(query, 1)).toThrow(/disposed/);
  });
});

describe("an index", () => {
  const list = vectors(2, 4);
  it.each<[string, () => unknown, RegExp]>([
    ["of nothing", () => indexOf([], "bits"), /no vectors/],
    ["with other names", () => makeIndex(list, { form: "bits", names: ["a"] }), /2 vectors with 1/],
    [
      "of two widths",
      () => indexOf([...list, list[0].subarray(1)], "bits"),
      /2\.jpg: 3 numbers, 4/,
    ],
    [
      "of zeros",
      () => indexOf([list[0], new Float32Array(4)], "floats"),
      /1\.jpg: nothing but zeros/,
    ],
    [
      "of infinity",
      () => indexOf([list[0].map(() => 1 / 0)], "bits"),
      /0\.jpg: number 0 .*Infinity/,
    ],
  ])("%s is refused", (_, make, message) => {
    expect(make).toThrow(message);
  });

  it("tells other files, later formats and damage apart", async () => {
    const file = await writeIndex(indexOf(list, "bits"));
    await expect(readIndex(file.subarray(0, 100))).rejects.toThrow(/cut off/);
    await expect(readIndex(file.subarray(0, file.length - 3))).rejects.toThrow(
      /missing: it was cut/,
    );
    const weights = writeSafetensors({ metadata: {}, tensors: {} });
    await expect(readIndex(weights)).rejects.toThrow(/weights .*, not an index of vectors/);
    await expect(readIndex(Uint8Array.of(0xff, 0xd8, 0xff, 0, 0))).rejects.toThrow(
      /a picture, not/,
    );
    const { metadata, tensors } = readSafetensors(file);
    const header = JSON.parse(metadata["onebit-index"]) as object;
    const edited = (change: object) =>
      writeSafetensors({
        ...{ tensors, metadata: { "onebit-index": JSON.stringify({ ...header, ...change }) } },
      });
    await expect(readIndex(edited({ format: 2 }))).rejects.toThrow(/format 2; .* up to 1: update/);
    await expect(readIndex(edited({ format: 0 }))).rejects.toThrow(
      /damaged: .*none of this format/,
    );
    await expect(readIndex(edited({ network: "x" }))).rejects.toThrow(/damaged: its checksum/);
    expect(await readIndex(edited({}))).toEqual(indexOf(list, "bits"));
  });

  it("behind a right checksum is one that can answer", async () => {
    const floats = indexOf(list, "floats") as FloatIndex;
    const bits = indexOf(list, "bits") as BitIndex;
    const wrong: [VectorIndex, RegExp][] = [
      [{ ...floats, vectors: floats.vectors.map((x) => 2 * x) }, /vector 0 has the length 2/],
      [{ ...bits, vectors: bits.vectors.map((byte) => byte | 0x80) }, /behind the 4 of a vector/],
      [{ ...bits, network: 5 as never }, /none of this format/],
    ];
    for (const [index, message] of wrong) {
      await expect(readIndex(await writeIndex(index))).rejects.toThrow(message);
    }
  });

  it("has no other options", async () => {
    const index = indexOf(list, "bits");
    await expect(openSearch(index, { backend: "gpu" as never })).rejects.toThrow(
      /backend "gpu": must be auto, native, wasm, reference/,
    );
  });
});

it("the smallest are those of a sort, of equals the first", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 60 }), fc.nat(59), (values, k) => {
      const count = Math.min(values.length, 1 + k);
      const sorted = [...values.keys()].sort((a, b) => values[a] - values[b] || a - b);
      expect([...smallest(values, count)]).toEqual(sorted.slice(0, count));
    }),
  );
});

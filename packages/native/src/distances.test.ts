import { openSearch, type Rows } from "onebit/search";
import { describe, expect, it } from "vitest";
import { Random } from "../../core/src/conformance/random.js";
import { reference } from "../../core/src/search/reference.js";
import { distancesWith } from "./index.js";
import { isasUnderTest } from "./test-support/isas.js";

const isas = isasUnderTest();

/** One row more than that: the query. */
function rowsOf(form: Rows["form"], count: number, length: number, random: Random): Rows {
  const size = (count + 1) * length;
  return form === "bits"
    ? { form, count, data: Uint8Array.from({ length: size }, () => random.int(0, 255)) }
    : { form, count, data: Float32Array.from({ length: size }, () => 4 * random.number() - 2) };
}

describe.runIf(isas.length > 0).each(isas)("distances by %s", (isa) => {
  it.each(["bits", "floats"] as const)("are the reference's, of %s", async (form) => {
    const random = new Random(17);
    for (const length of form === "bits" ? [8, 16, 72, 128, 520] : [16, 48, 1024]) {
      const { data } = rowsOf(form, 20, length, random);
      // Not aligned to anything but a number.
      const rows = { form, count: 19, data: data.subarray(length, 20 * length) } as Rows;
      const query = data.subarray(20 * length);
      const [own, wanted] = await Promise.all(
        [distancesWith(isa), reference].map((engine) => engine.hold(rows)),
      );
      expect(own.of(query)).toEqual(wanted.of(query));
    }
  });
});

it.runIf(isas.length > 0)("are what a search takes by itself", async () => {
  const vectors = Float32Array.of(1, 0, 0, 1);
  const index = { form: "floats", names: ["a", "b"], width: 2, vectors } as const;
  using search = await openSearch(index);
  expect(search.backend).toBe("native");
  expect(search.nearest(Float32Array.of(0, 2), 2)).toEqual([
    { index: 1, name: "b", distance: 0 },
    { index: 0, name: "a", distance: 1 },
  ]);
});

it.runIf(isas.length > 0)(
  "refuses what does not fit together, and other instruction sets",
  async () => {
    const rows = { form: "bits", count: 2, data: new Uint8Array(32) } as const;
    const held = await distancesWith().hold(rows);
    expect(() => held.of(new Uint8Array(8))).toThrow(/do not fit together/);
    expect(() => held.of(new Uint8Array(0))).toThrow(/do not fit together/);
    const other = await distancesWith("mmx").hold(rows);
    expect(() => other.of(new Uint8Array(16))).toThrow(/no instruction set "mmx"/);
  },
);

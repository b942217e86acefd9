import { expect, it } from "vitest";
import { facts, networks, TIMED, zooRows } from "../scripts/zoo/rows.mjs";
import { read } from "./imports.js";

const rows = zooRows(read("docs/zoo.md"));

/** Stale? npm run docs:zoo -- --networks NEW */
it("docs/zoo.md has every network of the catalogue, with what is counted now", () => {
  expect(rows.map(({ network }) => network)).toEqual(networks());
  for (const row of rows) expect(row).toMatchObject(facts(row.network));
});

it("every network of the page was timed, natively and in WebAssembly", () => {
  for (const row of rows) {
    for (const column of TIMED.slice(0, 2)) {
      expect(Number(row[column]), `${row.network}, ${column}`).toBeGreaterThan(0);
    }
  }
});

import { expect, it } from "vitest";
import { rows, TIMED, tableRows, winners } from "../scripts/accuracy-cost/rows.mjs";
import { read } from "./imports.js";

const page = read("docs/accuracy-cost.md");
const printed = tableRows(page, "networks");

/** Stale? npm run docs:accuracy-cost */
it("docs/accuracy-cost.md has every network with a published accuracy, with what is counted now", () => {
  const untimed = printed.map((row) => ({
    ...row,
    ...Object.fromEntries(TIMED.map((column) => [column, ""])),
  }));
  expect(untimed).toEqual(rows());
});

it("says who wins by its own times", () => {
  expect(tableRows(page, "native")).toEqual(winners(printed, TIMED[0]));
  expect(tableRows(page, "wasm")).toEqual(winners(printed, TIMED[1]));
});

const row = (network: string, kind: string, top1: number, ops: number, ms = "") => ({
  ...{ network, kind, "top-1, %": String(top1), "OPs, M": String(ops), [TIMED[0]]: ms },
});

it("finds the fastest of each kind that is accurate enough", () => {
  const all = [
    ...[row("slow", "1-bit", 71, 1, "9.5"), row("quick", "1-bit", 61, 1, "2.5")],
    ...[row("float", "float32", 75, 1, "5"), row("never", "int8", 75, 1)],
  ];
  const won = winners(all, TIMED[0]);
  const at = (level: string) => won.find((line) => line["at least, %"] === level);
  expect(at("60")).toMatchObject({ "1-bit": "quick, 2.5 ms", int8: "none", fastest: "1-bit" });
  expect(at("70")).toMatchObject({ "1-bit": "slow, 9.5 ms", fastest: "float32" });
  expect(at("74")).toMatchObject({ "1-bit": "none", float32: "float, 5 ms" });
  expect(at("76")).toBeUndefined();
});

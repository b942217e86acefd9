import { describe, expect, it } from "vitest";
import { LINE_END } from "./colors.js";
import { bytes, count, duration, percent, si, table } from "./terminal.js";

describe("numbers in words", () => {
  it.each([
    [0, "0"],
    [16, "16"],
    [999.4, "999"],
    [999.6, "1.00 k"],
    [1_234, "1.23 k"],
    [999_999, "1.00 M"],
    [88_600_000, "88.6 M"],
    [4.82e9, "4.82 G"],
    [1.5e12, "1.50 T"],
  ])("si(%d) is %s", (value, text) => expect(si(value)).toBe(text));

  it.each([
    [0, "0.0 kB"],
    [91_516, "91.5 kB"],
    [13.3 * 2 ** 20, "13.30 MiB"],
    [1.5 * 2 ** 30, "1.50 GiB"],
  ])("bytes(%d) is %s", (value, text) => expect(bytes(value)).toBe(text));

  it.each([
    [0, "0:00"],
    [59.6, "1:00"],
    [83, "1:23"],
    [3_600 + 62, "1:01:02"],
    [-1, "0:00"],
  ])("duration(%d) is %s", (value, text) => expect(duration(value)).toBe(text));

  it("counts and shares", () => {
    expect(count(30_862_236)).toBe("30,862,236");
    expect([percent(0.9154), percent(1, 1)]).toEqual(["91.54 %", "100.0 %"]);
  });
});

describe("table", () => {
  it("aligns columns, and leaves no spaces at the ends of lines", () => {
    const rows = [
      ["a", 1, ""],
      ["longer", 22, "note"],
    ];
    expect(table(["name", "n", ""], rows, ["left", "right", "left"])).toBe(
      ["name     n", "a        1", "longer  22  note"].join(LINE_END),
    );
  });

  it("widens no column for a title above it", () => {
    const title = "a/path/longer/than/what/stands/below";
    expect(table([title, ""], [["images", 3]])).toBe([title, "images  3"].join(LINE_END));
  });
});

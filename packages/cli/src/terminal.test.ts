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

  describe("on a terminal", () => {
    const head = ["step", "ms", "kernel", "why"];
    const align = ["left", "right", "left", "left"] as const;
    const why = "real: element-wise, no products with a weight matrix";
    const rows = [
      ["feature.1.Attention", 0.107, "lookup 4x32", why],
      ["feature.1", 12.5, "generated", "signs times 1-bit weights"],
    ];
    const linesAt = (width: number) => table(head, rows, align, width).split(LINE_END);
    const widest = (lines: readonly string[]) => Math.max(...lines.map(({ length }) => length));

    it("is as it is where there is room", () => {
      expect(linesAt(200)).toEqual(table(head, rows, align).split(LINE_END));
      expect(linesAt(200)).toHaveLength(3);
    });

    it("breaks texts between words", () => {
      const lines = linesAt(70);
      expect(lines[1]).toMatch(/^feature\.1\.Attention {2,}0\.107 {2,}lookup 4x32 {2,}real: /);
      expect(lines).toHaveLength(4);
      expect(widest(lines)).toBeLessThanOrEqual(70);
      expect(lines.join(" ").replaceAll(/ +/g, " ")).toContain("with a weight matrix");
    });

    it("has columns below each other, each with its row's name, where that is not enough", () => {
      const lines = linesAt(45);
      expect(widest(lines)).toBeLessThanOrEqual(45);
      expect(lines.filter((line) => line === "")).toHaveLength(1);
      expect(lines.filter((line) => line.startsWith("feature.1.Attention"))).toHaveLength(2);
    });

    it("cuts nothing", () => {
      for (const width of [1, 20, 33, 60, 80]) {
        const text = linesAt(width).join(" ");
        for (const word of rows.flat().join(" ").split(" ")) expect(text).toContain(word);
      }
    });

    it("counts wide characters as what they take", () => {
      const lines = table(["class", "a", "b"], [["日本 🍎", 1, 2]], undefined, 14).split(LINE_END);
      expect(lines).toEqual(["class    a  b", "日本 🍎  1  2"]);
    });
  });
});

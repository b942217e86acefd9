import { expect, it } from "vitest";
import { hasPlaces, insertFigures, marked } from "./figures.js";

const page = `# Speed\n\nWords.\n\n${marked("a", "old a")}\n\nMore words.\n\n${marked("b", "old b")}\n`;

it("replaces figures and leaves the words and other figures", () => {
  const { page: once, homeless, old } = insertFigures(page, { b: "| new |\n$& $1", c: "?" });
  expect(once).toBe(page.replace("old b", () => "| new |\n$& $1"));
  expect([homeless, old]).toEqual([["c"], ["a"]]);
  expect(insertFigures(once, { b: "old b" }).page).toBe(page);
});

it("knows a page that has places", () => {
  expect(hasPlaces(page)).toBe(true);
  expect(hasPlaces("# Speed\n")).toBe(false);
});

it("refuses a place that does not end", () => {
  const open = page.replace("<!-- /figures -->", "");
  expect(() => insertFigures(open, { a: "x" })).toThrow(/figures: a --> without/);
  expect(() => insertFigures("<!-- figures: a -->", { a: "x" })).toThrow(/figures: a --> without/);
});

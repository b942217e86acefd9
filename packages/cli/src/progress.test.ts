import { expect, it } from "vitest";
import { fitting } from "./progress.js";

it("cuts a line to the terminal's width, colour codes not counted", () => {
  const bar = "\u001b[32m━━\u001b[39m";
  expect(fitting(`${bar} epoch 1`, 20)).toBe(`${bar} epoch 1`);
  expect(fitting(`${bar} epoch 1`, 5)).toBe(`${bar} ep`);
  expect(fitting("plain text", 5)).toBe("plain");
});

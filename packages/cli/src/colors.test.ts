import { expect, it } from "vitest";
import { colorsFor } from "./colors.js";

const bold = (isTTY: boolean | undefined, env: NodeJS.ProcessEnv) =>
  colorsFor({ isTTY }, env).bold("x") !== "x";

it("colours terminals only, and obeys NO_COLOR and FORCE_COLOR", () => {
  expect(bold(true, {})).toBe(true);
  expect(bold(undefined, {})).toBe(false);
  expect(bold(undefined, { CI: "true" })).toBe(false);
  expect(bold(true, { TERM: "dumb" })).toBe(false);
  expect(bold(true, { NO_COLOR: "1" })).toBe(false);
  expect(bold(true, { NO_COLOR: "" })).toBe(true);
  expect(bold(undefined, { FORCE_COLOR: "1" })).toBe(true);
  expect(bold(true, { FORCE_COLOR: "0" })).toBe(false);
  expect(bold(true, { NO_COLOR: "1", FORCE_COLOR: "1" })).toBe(false);
});

import { UsageError } from "onebit";
import { describe, expect, it } from "vitest";
import { onebit } from "../test-support/run-cli.js";
import { budgetFlags } from "./budget.js";

const [memory, work] = budgetFlags;

describe("--memory and --work", () => {
  it.each([
    ["1000", 1000],
    ["768m", 768 * 2 ** 20],
    ["2g", 2 ** 31],
    ["1.5GiB", 1.5 * 2 ** 30],
  ])("take %s", (text, bytes) => {
    expect(memory.reader!.read(text, memory.name)).toBe(bytes);
  });

  it.each([
    [memory, "2x"],
    [memory, "-1"],
    [memory, ""],
    [work, "much"],
    [work, "-1"],
  ])("refuse %o %s", (flag, text) => {
    expect(() => flag.reader!.read(text, flag.name)).toThrow(UsageError);
  });

  it("bound what a packed network takes, whatever is done with it", async () => {
    const file = "models/fashion-mnist.onebit";
    for (const command of [
      ["explain", file],
      ["verify", file, "--against", file],
      ["bisect", file, file],
      ["bench", file, "--backend", "native", "--against", "none"],
    ]) {
      const { status, stderr } = await onebit(...command, "--work", "10");
      expect(status).toBe(1);
      expect(stderr).toMatch(/fashion-mnist(\.onebit)?: .*its work budget of 10.* --work/);
    }
  });
});

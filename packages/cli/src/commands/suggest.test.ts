import { fileURLToPath } from "node:url";
import { exportC } from "@onebit/convert";
import { openPacked } from "@onebit/train/subjects";
import { expect, it } from "vitest";
import { onebit, onebitJson } from "../test-support/run-cli.js";

interface Suggestion {
  readonly model: string;
  readonly widths: readonly number[];
  readonly constantBytes: number;
  readonly flashBytes: number;
  readonly arenaBytes: number;
  readonly measured?: { readonly top1: number };
}

interface Suggestions {
  readonly fits: readonly Suggestion[];
  readonly tooLarge: readonly Suggestion[];
  readonly unfit: readonly { readonly reason: string }[];
}

const suggest = (...args: string[]) => ["suggest", ...args];

it("names what fits, and what the network in models/ takes", async () => {
  const { fits, tooLarge, unfit } = await onebitJson<Suggestions>(
    ...suggest("--flash", "256k", "--ram", "64k", "--input", "1x28x28"),
  );
  for (const { flashBytes, arenaBytes } of fits) {
    expect(flashBytes).toBeLessThanOrEqual(262_144);
    expect(arenaBytes).toBeLessThanOrEqual(65_536);
  }
  for (const { flashBytes, arenaBytes } of tooLarge) {
    expect(flashBytes > 262_144 || arenaBytes > 65_536).toBe(true);
  }
  expect(unfit[0].reason).toMatch(/cannot be halved/);
  const nano = fits.find(({ measured }) => measured)!;
  expect(nano).toMatchObject({ model: "bnext-nano", measured: { top1: 0.9257 } });
  const fashion = fileURLToPath(
    new URL("../../../../models/fashion-mnist.onebit", import.meta.url),
  );
  const file = await openPacked(fashion);
  const { constantBytes, arenaBytes } = await exportC(file, { name: "net", integer: true });
  expect(nano.arenaBytes).toBe(arenaBytes);
  expect(Math.abs(nano.constantBytes / constantBytes - 1)).toBeLessThan(0.1);
}, 60_000);

it("says nothing of accuracy that nobody measured", async () => {
  const { stdout } = await onebit(
    ...suggest("--flash", "64k", "--ram", "24k", "--input", "3x32x32", "--classes", "4"),
  );
  expect(stdout).toMatch(/^bnext-pico +16,32,64,64 .*not measured$/m);
  expect(stdout).not.toContain("%");
  expect(stdout).toContain("npx onebit train --model");
}, 60_000);

it.each<[string[], number, RegExp]>([
  [["--flash", "2k", "--ram", "1k", "--input", "1x28x28"], 1, /least RAM is \d+ \(.*least flash/],
  [
    ["--flash", "256k", "--ram", "1m", "--input", "1x28x28", "--classes", "100000"],
    ...([1, /classes 100000: .*classifier alone has \d+ bytes, more than the 262144/] as const),
  ],
  [["--flash", "2m", "--ram", "1m", "--input", "1x30x30"], 1, /multiples of 4/],
  [["--flash", "2m", "--ram", "1m", "--input", "3x224x224"], 2, /sides of 16 to 128 pixels/],
  [["--flash", "much", "--ram", "1m", "--input", "3x32x32"], 2, /--flash much/],
  [["--ram", "1m", "--input", "3x32x32"], 2, /--flash/],
])(
  "%j",
  async (args, code, message) => {
    const { status, stderr } = await onebit(...suggest(...args));
    expect(stderr).toMatch(message);
    expect(status).toBe(code);
  },
  60_000,
);

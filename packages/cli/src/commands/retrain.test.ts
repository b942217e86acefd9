import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { meansNetwork, tinyBnext, writeFloatModel } from "../test-support/networks.js";
import { FAILED, refusalsIn, WRONG_USAGE } from "../test-support/refusals.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const path = temporaryFolder();
const { refuses } = refusalsIn(path);
/** Shades around one of each class. */
async function writeShades(folder: string, classes: { readonly [name: string]: string }) {
  for (const [name, colour] of Object.entries(classes)) {
    await mkdir(join(folder, name), { recursive: true });
    for (let i = 0; i < 12; i++) {
      const picture = sharp({ create: { width: 12, height: 12, channels: 3, background: colour } });
      await picture
        .linear(0.8 + i / 40, 0)
        .png()
        .toFile(join(folder, name, `${i}.png`));
    }
  }
}

beforeAll(async () => {
  await writeFile(path("net.onebit"), await meansNetwork(["old", "older"]));
  await writeFloatModel(path("float.safetensors"), tinyBnext());
  await writeShades(path("shades"), { brown: "#a64", sky: "#8bd", leaf: "#483" });
  await writeShades(path("one"), { only: "#888" });
});

describe("retrain", () => {
  it("gives a packed network classes of its own, which it knows", async () => {
    const args = ["retrain", path("net.onebit"), "--data", `folder:${path("shades")}`];
    const made = await onebitJson<{ pictures: number; test: object; classes: string[] }>(
      ...[...args, "-o", path("shades.onebit")],
    );
    expect(made).toMatchObject({ width: 3, classes: ["brown", "leaf", "sky"], bad: [] });
    expect(made.test).toMatchObject({ top1: 1 });
    const data = ["--data", `folder:${path("shades")}`];
    const { top1, classes } = await onebitJson<{ top1: number; classes: string[] }>(
      ...["eval", path("shades.onebit"), ...data],
    );
    expect([top1, classes]).toEqual([1, ["brown", "leaf", "sky"]]);
    const { stdout } = await onebit(...args, "-o", path("again.onebit"));
    expect(stdout).toMatch(
      /classes brown, leaf, sky\n\d+ pictures of 3 features: .* s, classifier: .* s\n100\.0 % of \d+ test pictures right\nTry it: npx onebit run /,
    );
    expect(await readFile(path("again.onebit"))).toEqual(await readFile(path("shades.onebit")));
  });

  it("leaves out what cannot be used and fails, having written what it made", async () => {
    await writeShades(path("broken"), { brown: "#a64", sky: "#8bd" });
    await writeFile(path("broken", "sky", "0.png"), "no picture");
    const args = ["retrain", path("net.onebit"), "--data", `folder:${path("broken")}`, "-o"];
    const { status, stderr } = await onebit(...args, path("most.onebit"));
    expect([status, stderr]).toEqual([
      FAILED,
      expect.stringMatching(/0\.png: .*\n.*1 of 24 pictures/s),
    ]);
    expect((await onebit("summary", path("most.onebit"))).status).toBe(0);
    const strict = await onebit(...args, path("none.onebit"), "--strict");
    expect([strict.status, strict.stderr]).toEqual([FAILED, expect.stringMatching(/0\.png: /)]);
    await expect(readFile(path("none.onebit"))).rejects.toThrow(/ENOENT/);
  });

  refuses(WRONG_USAGE, [
    [
      "a float model",
      "retrain {float.safetensors} --data folder:{shades} -o {out.onebit}",
      /a float model, not a packed network/,
    ],
    [
      "itself as output",
      "retrain {net.onebit} --data folder:{shades} -o {net.onebit}",
      /is the input, which would be lost/,
    ],
  ]);
});

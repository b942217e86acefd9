import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { writeIdxFolder } from "../test-support/idx.js";
import { tinyBnext, writeFloatModel } from "../test-support/networks.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const path = temporaryFolder();
const page = () => readFile(path("page.html"), "utf8");
beforeAll(async () => {
  await writeIdxFolder(path("idx"));
  await writeFloatModel(path("net.safetensors"), tinyBnext());
  await onebit("pack", path("net.safetensors"), "-o", path("net.onebit"));
  await onebit("data", `idx:${path("idx")}`, "--preview", path("image.png"));
});

interface Layers {
  readonly layers: {
    readonly name: string;
    readonly threshold?: number[];
    readonly slope?: number[];
  }[];
  readonly distributions: { readonly [name: string]: { readonly positive?: number } };
  readonly images: number;
}

describe("onebit picture", () => {
  it("draws a float model with one picture: a page that needs no other file", async () => {
    const args = [path("net.safetensors"), path("image.png"), "-o", path("page.html")];
    const { layers, images } = await onebitJson<Layers>("picture", ...args);
    expect(images).toBe(1);
    const signs = layers.filter(({ threshold }) => threshold);
    expect(signs.map(({ threshold }) => threshold!.length)).toEqual([8, 8]);
    const html = await page();
    expect(html).toContain("shifted down");
    expect(html).not.toMatch(/(src|href)="(?!data:|#)/);
    expect(html.match(/data:image\/png;base64,/g)!.length).toBeGreaterThan(8);
  });

  it("takes distributions over test images, of a packed file too", async () => {
    const of = (file: string) =>
      onebitJson<Layers>(
        ...["picture", path(file), "--data", `idx:${path("idx")}`, "--images", "5"],
        ...["-o", path("page.html")],
      );
    const [float, packed] = [await of("net.safetensors"), await of("net.onebit")];
    expect([float.images, packed.images]).toEqual([5, 5]);
    const shares = ({ distributions }: Layers) =>
      Object.values(distributions).flatMap(({ positive }) => positive ?? []);
    expect(shares(packed)).toHaveLength(shares(float).length);
    shares(packed).forEach((share, i) => {
      expect(share).toBeCloseTo(shares(float)[i], 2);
    });
  });

  it("shows what was learned without any image, and says so", async () => {
    const { stderr, stdout } = await onebit("picture", path("net.onebit"), "-o", path("page.html"));
    expect(stderr).toContain("note: no images: only what was learned is shown");
    expect(stdout).toContain("threshold, slope");
    expect(await page()).not.toContain("Feature maps");
  });

  it.each([
    ["a file that is not there", ["none.safetensors"], "there is no such file"],
    ["no picture", ["net.onebit", "net.onebit"], "net.onebit"],
    [
      "an unknown layer",
      ["net.safetensors", "image.png", "--layers", "feature"],
      'unknown sign "feature"',
    ],
    [
      "more images than there are",
      ["net.safetensors", "--data", "idx", "--images", "4000"],
      "cannot use 4000",
    ],
  ])("refuses %s", async (_, args, message) => {
    const [file, ...rest] = args.map((arg) => {
      if (arg === "idx") return `idx:${path("idx")}`;
      return /\.\w+$/.test(arg) ? path(arg) : arg;
    });
    const { status, stderr } = await onebit("picture", file, ...rest, "-o", path("refused.html"));
    expect(status).toBeGreaterThan(0);
    expect(stderr).toContain(message);
    await expect(readFile(path("refused.html"))).rejects.toThrow("ENOENT");
  });
});

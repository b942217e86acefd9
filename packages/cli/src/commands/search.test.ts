import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { meansNetwork, tinyBnext, writeFloatModel } from "../test-support/networks.js";
import { FAILED, refusalsIn, WRONG_USAGE } from "../test-support/refusals.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const path = temporaryFolder();
const { refuses } = refusalsIn(path);
const photo = (name: string) => path("photos", name);
interface Found {
  readonly input: string;
  readonly nearest: readonly { readonly index: number; readonly name: string; distance: number }[];
  readonly error?: string;
}

beforeAll(async () => {
  await writeFile(path("means.onebit"), await meansNetwork(["a", "b"]));
  await writeFile(path("other.onebit"), await meansNetwork(["a", "c"]));
  const float = await writeFloatModel(path("tiny.safetensors"), tinyBnext());
  await onebit("pack", float, "-o", path("tiny.onebit"));
  for (const folder of ["photos", "empty", "bad", "mixed"]) await mkdir(path(folder));
  const colours = { red: "#f00", dark: "#800", pink: "#f44", green: "#0f0", blue: "#00f" };
  for (const [name, background] of Object.entries(colours)) {
    const picture = sharp({ create: { width: 16, height: 16, channels: 3, background } });
    await picture
      .clone()
      .png()
      .toFile(photo(`${name}.png`));
    if (name === "red") await picture.clone().png().toFile(path("mixed", "red.png"));
  }
  for (const folder of ["bad", "mixed"]) await writeFile(path(folder, "broken.jpg"), "no picture");
  const embed = ["embed", path("means.onebit"), path("photos"), "-o"];
  await onebit(...embed, path("floats.index"));
  await onebit(...embed, path("bits.index"), "--as", "bits");
  const whole = await readFile(path("floats.index"));
  await writeFile(path("cut.index"), whole.subarray(0, -5));
  await writeFile(path("flipped.index"), whole.with(whole.length - 9, whole.at(-9)! ^ 1));
});

describe("search", () => {
  const ask = (index: string, ...rest: string[]) =>
    onebitJson<Found[]>("search", path("means.onebit"), path(index), ...rest);

  it("names the photographs that are nearest by angle", async () => {
    const [{ input, nearest }] = await ask("floats.index", photo("red.png"), "--top", "3");
    expect(input).toBe(photo("red.png"));
    // Means of channels: red (1, -1, -1), pink (1, -0.47, -0.47), dark (0.07, -1, -1).
    expect(nearest.map(({ name }) => name)).toEqual(
      ["red", "pink", "dark"].map((n) => photo(`${n}.png`)),
    );
    const low = (2 * 0x44) / 255 - 1;
    const pink = 1 - (1 - 2 * low) / Math.sqrt(3 * (1 + 2 * low * low));
    const dark = (2 * 0x88) / 255 - 1;
    const wanted = [0, pink, 1 - (dark + 2) / Math.sqrt(3 * (dark * dark + 2))];
    nearest.forEach(({ distance }, i) => {
      expect(Math.abs(distance - wanted[i])).toBeLessThan(1e-5);
    });
  });

  it("by differing signs, and on every backend the same", async () => {
    const answers = ["auto", "wasm", "reference"].map((name) => ["--compare-with", name]);
    const found: (readonly { distance: number }[])[] = [];
    for (const flags of answers) {
      const [{ nearest }] = await ask("bits.index", photo("green.png"), ...flags);
      found.push(nearest);
    }
    expect(found[1]).toEqual(found[0]);
    expect(found[2]).toEqual(found[0]);
    // Signs around the means: red and dark +--, pink +++, green -+-, blue --+.
    expect(found[0].map(({ distance }) => distance)).toEqual([0, 2, 2, 2, 2]);
  });

  it("prints for people, and goes on after a picture that cannot be used", async () => {
    const args = [path("means.onebit"), path("bits.index"), path("mixed"), "--top", "1"];
    const { status, stdout, stderr } = await onebit("search", ...args);
    expect(status).toBe(FAILED);
    expect(stdout).toMatch(/red\.png {2}\(searched in \d+\.\d ms\)\n +0 {2}.*photos.dark\.png\n$/);
    expect(stderr).toMatch(/broken\.jpg: .*\n.*1 of 2 pictures cannot be used/s);
  });

  refuses(WRONG_USAGE, [
    [
      "more than there are",
      "search {means.onebit} {bits.index} {photos} --top 6",
      /--top 6: .*bits\.index has 5 vectors/,
    ],
    [
      "another network",
      "search {other.onebit} {bits.index} {photos}",
      /bits\.index: was made by another network \(SHA-256 \w{12}\.\.\., that of .*other\.onebit is \w{12}\.\.\.\): give that one, or make the index anew: `npx onebit embed/,
    ],
    ["no photograph", "search {means.onebit} {bits.index}", /nothing to look for/],
    [
      "a network as index",
      "search {means.onebit} {means.onebit} {photos}",
      /means\.onebit: a packed network .*, not an index of vectors/,
    ],
    [
      "an index as network",
      "run {bits.index} {photos}",
      /bits\.index: an index of vectors, not .*: search it: `npx onebit search MODEL/,
    ],
  ]);
  refuses(FAILED, [
    [
      "an index that is cut off",
      "search {means.onebit} {cut.index} {photos}",
      /cut\.index: .* 5 of \d+ bytes of data are missing/,
    ],
    [
      "a damaged index",
      "search {means.onebit} {flipped.index} {photos}",
      /flipped\.index: damaged: its checksum/,
    ],
    [
      "an index that is not there",
      "search {means.onebit} {no.index} {photos}",
      /no\.index: cannot be read/,
    ],
    ["an empty folder", "search {means.onebit} {bits.index} {empty}", /empty: no pictures in it/],
  ]);
});

describe("embed", () => {
  it("says what it made, and how to search it", async () => {
    const args = ["embed", path("means.onebit"), path("photos"), "-o", path("new.index")];
    const { status, stdout } = await onebit(...args);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /new\.index: 5 vectors of 3 floats, [\d.]+ kB\nSearch it: npx onebit search /,
    );
    const made = await onebitJson<object>(...args, "--as", "bits");
    expect(made).toMatchObject({
      vectors: 5,
      width: 3,
      form: "bits",
      output: "features",
      bad: [],
    });
  });

  it("takes another vector, but no map", async () => {
    const args = ["embed", path("tiny.onebit"), path("photos"), "-o", path("tiny.index")];
    const made = await onebitJson<object>(...args, "--output-name", "logits");
    expect(made).toMatchObject({ width: 4, output: "logits" });
    const { status, stderr } = await onebit(...args, "--output-name", "stage-1");
    expect([status, stderr]).toEqual([
      WRONG_USAGE,
      expect.stringMatching(/its "stage-1" is a map, and a vector is wanted: --output-name /),
    ]);
  });

  it("leaves out what cannot be used and fails, having written the rest; writes nothing of nothing", async () => {
    const args = ["embed", path("means.onebit")];
    const mixed = await onebit(...args, path("mixed"), "-o", path("mixed.index"), "--json");
    expect(mixed.status).toBe(FAILED);
    expect(JSON.parse(mixed.stdout)).toMatchObject({
      vectors: 1,
      bad: [{ error: expect.any(String) }],
    });
    await writeFile(path("kept.index"), "as it was");
    const bad = await onebit(...args, path("bad"), "-o", path("kept.index"));
    expect([bad.status, bad.stdout]).toEqual([FAILED, ""]);
    expect(await readFile(path("kept.index"), "utf8")).toBe("as it was");
    const strict = await onebit(...args, path("mixed"), "-o", path("kept.index"), "--strict");
    expect([strict.status, await readFile(path("kept.index"), "utf8")]).toEqual([
      FAILED,
      "as it was",
    ]);
    expect((await readdir(path())).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  refuses(WRONG_USAGE, [
    ["nothing", "embed {means.onebit} -o {out.index}", /nothing to embed/],
    [
      "the network as output",
      "embed {means.onebit} {photos} -o {means.onebit}",
      /is the input, which would be lost/,
    ],
    [
      "an unknown output",
      "embed {means.onebit} {photos} -o {out.index} --output-name pool",
      /it has no output "pool", and a vector is wanted: --output-name logits, --output-name features|--output-name features/,
    ],
    [
      "a float model",
      "embed {tiny.safetensors} {photos} -o {out.index}",
      /a float model, not a packed network .*: pack it/,
    ],
    [
      "a folder that is not there",
      "embed {means.onebit} {nowhere} -o {out.index}",
      /nowhere: no such file or folder/,
    ],
  ]);
  refuses(FAILED, [
    ["an empty folder", "embed {means.onebit} {empty} -o {out.index}", /empty: no pictures in it/],
    [
      "a folder to write to that is not there",
      "embed {means.onebit} {photos} -o {no/out.index}",
      /there is no folder .*no: create it/,
    ],
  ]);
});

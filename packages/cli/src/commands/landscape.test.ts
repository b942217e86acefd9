import { readFile } from "node:fs/promises";
import type { LandscapeResult } from "@onebit/train";
import { beforeAll, expect, it } from "vitest";
import { temporaryFolder } from "../test-support/folder.js";
import { writeIdxFolder } from "../test-support/idx.js";
import { tinyBnext, writeFloatModel } from "../test-support/networks.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const path = temporaryFolder();
const labels = ["0", "1", "2", "3"];
beforeAll(async () => {
  await writeIdxFolder(path("idx"));
  await writeFloatModel(path("net.safetensors"), { ...tinyBnext(), labels });
  await writeFloatModel(path("twin.safetensors"), { ...tinyBnext({ form: "real" }), labels });
  await onebit("pack", path("net.safetensors"), "-o", path("net.onebit"));
});

const small = () => ["--data", `idx:${path("idx")}`, "--threads", "1"];
const files = () => ["net", "twin"].map((name) => path(`${name}.safetensors`));

it("draws networks on one scale, and is the trained network in the middle", async () => {
  const out = path("landscape");
  const result = await onebitJson<LandscapeResult>(
    ...["landscape", ...files(), ...small(), "--points", "3", "--out", out],
  );
  expect(result.networks.map(({ name }) => name)).toEqual(["net", "twin"]);
  for (const { loss, losses } of result.networks) expect(loss).toBe(losses[1][1]);
  for (const name of ["contours.svg", "slice.svg", "landscape.html"]) {
    expect(await readFile(`${out}/${name}`, "utf8")).toContain("twin");
  }
  const { stdout } = await onebit("landscape", "--resume", "--out", out, "--threads", "1");
  expect(stdout).toMatch(/net +packed, \w+/);
  expect(stdout).toMatch(/twin +onnxruntime/);
});

it.each([
  ["nothing", [], "name the runs or float models"],
  ["a packed file", ["net.onebit"], "holds signs only, not the latent weights"],
  ["an even grid", ["net.safetensors", "--points", "4"], "an odd number from 3 is wanted"],
  ["a radius of 0", ["net.safetensors", "--radius", "0"], "radius 0: must be above 0"],
  ["too many images", ["net.safetensors", "--images", "9999"], "cannot use 9999 training images"],
])("refuses %s, and leaves nothing behind", async (_, args, message) => {
  const given = args.map((arg) => (arg.includes(".") ? path(arg) : arg));
  const out = path("refused");
  const { status, stderr } = await onebit("landscape", ...small(), ...given, "--out", out);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
  await expect(readFile(`${out}/landscape.json`)).rejects.toThrow("ENOENT");
});

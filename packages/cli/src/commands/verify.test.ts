import { execFileSync } from "node:child_process";
import { copyFile, writeFile } from "node:fs/promises";
import { writeOnebit } from "onebit/file";
import { encodeFloatModel, floatModelGraph } from "onebit/models";
import { pack } from "onebit/pack";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { shared } from "../../../core/src/test-support/shared.js";
import type { Verification } from "../compare/verify.js";
import { temporaryFolder } from "../test-support/folder.js";
import { writeIdxFolder } from "../test-support/idx.js";
import { tinyBnext } from "../test-support/networks.js";
import { colourClassifier } from "../test-support/onnx.js";
import { FAILED, refusalsIn, WRONG_USAGE } from "../test-support/refusals.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const path = temporaryFolder();
const tiny = tinyBnext();
type Result = Verification & { readonly backends: readonly string[] };

/** As a shell splits them. */
const shellWords = (command: string) =>
  execFileSync("sh", ["-c", `printf '%s\\n' ${command}`], { encoding: "utf8" })
    .split("\n")
    .slice(0, -1);
const greyImage = { name: "image", shape: ["N", 1, 8, 8] };

const verified = (file: string, against: string, ...flags: string[]) =>
  onebitJson<Result>("verify", path(file), "--against", path(against), ...flags);

beforeAll(async () => {
  await writeFile(path("float.safetensors"), encodeFloatModel(tiny));
  await onebit("pack", path("float.safetensors"), "-o", path("packed.onebit"));
  await onebit("export", path("float.safetensors"), "--to", "onnx", "-o", path("net.onnx"));
  const other = tinyBnext({ classes: 3 });
  await writeFile(path("three.safetensors"), encodeFloatModel(other));
  const { program, tensors } = pack(floatModelGraph(tiny), tiny.tensors);
  const broken = { ...tensors };
  for (const [key, tensor] of Object.entries(tensors)) {
    if (tensor.type === "bits") broken[key] = { ...tensor, data: tensor.data.map((x) => x ^ 0xa5) };
  }
  const { preprocess, labels } = tiny;
  await writeFile(
    path("broken.onebit"),
    await writeOnebit({ program, tensors: broken, preprocess, labels }),
  );
  await writeIdxFolder(path("four"), { side: 8, classes: 4 });
  const grey = { create: { width: 20, height: 12, channels: 3, background: "#606060" } } as const;
  await writeFile(path("photo.png"), await sharp(grey).png().toBuffer());
});

describe("verify", () => {
  it("prints what the design says: packed against float", async () => {
    const result = await verified("packed.onebit", "float.safetensors");
    expect(result).toMatchObject({
      ...{ images: 8, top1Agreement: 1, ok: true, unexplained: 0, tolerance: 1e-4 },
      backends: [expect.any(String), "onnxruntime"],
    });
    expect(result.maxRelativeError).toBeLessThan(1e-4);
    expect(result.flips).toBe(0);
  });

  it("finds narrow maps equal on two backends, and other than float32 ones", async () => {
    const args = ["verify", path("packed.onebit"), "--against", path("packed.onebit")];
    const narrow = ["--maps", "bfloat16", "--tolerance", "1", "--agreement", "0"];
    const { status, stderr, stdout } = await onebit(...args, ...narrow, "--json");
    expect(stderr).toContain("packed.onebit: maps between steps are bfloat16");
    expect(status).toBe(0);
    expect(JSON.parse(stdout).maxRelativeError).toBeGreaterThan(0);
    const onWasm = await onebitJson<Result>(...args, ...narrow, "--backend", "wasm");
    const onReference = await onebitJson<Result>(...args, ...narrow, "--backend", "reference");
    expect({ ...onWasm, backends: [] }).toEqual({ ...onReference, backends: [] });
  });

  it("finds two backends equal bit for bit", async () => {
    const flags = ["--backend", "wasm", "--against-backend", "reference", "--images", "20"];
    expect(await verified("packed.onebit", "packed.onebit", ...flags)).toMatchObject({
      ...{ images: 20, maxRelativeError: 0, top1Agreement: 1, flips: 0, ok: true },
      backends: ["wasm", "reference"],
    });
  });

  it("takes ONNX on either side, a data set, photographs and tensors of another size", async () => {
    const onnx = await verified("packed.onebit", "net.onnx");
    expect(onnx).toMatchObject({ ok: true, flips: 0, images: 8 });
    const data = ["--data", `idx:${path("four")}`, "--limit", "11"];
    expect(await verified("net.onnx", "float.safetensors", ...data)).toMatchObject({
      ...{ ok: true, images: 11 },
    });
    const photo = ["verify", path("packed.onebit"), path("photo.png")];
    expect(await onebitJson(...photo, "--against", path("net.onnx"))).toMatchObject({ images: 1 });
    const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1, 16, 24), }";
    const start = Buffer.from(`\x93NUMPY\x01\x00\x76\x00${header.padEnd(117)}\n`, "latin1");
    const noise = Float32Array.from({ length: 3 * 16 * 24 }, (_, i) => Math.sin(i * 12.9898));
    await writeFile(path("large.npy"), Buffer.concat([start, Buffer.from(noise.buffer)]));
    const large = ["--input", path("large.npy")];
    expect(await verified("packed.onebit", "float.safetensors", ...large)).toMatchObject({
      ...{ ok: true, images: 3 },
    });
  });

  it.each(["Softmax", "LogSoftmax"])("sees the same network behind a %s", async (op) => {
    await writeFile(path("plain.onnx"), colourClassifier());
    await writeFile(path("behind.onnx"), colourClassifier({ tail: [`${op} logits y`] }));
    const same = { ok: true, withinTolerance: 1 };
    expect(await verified("plain.onnx", "behind.onnx")).toMatchObject(same);
    expect(await verified("behind.onnx", "plain.onnx")).toMatchObject(same);
    const negated = colourClassifier({ tail: ["Neg logits n", `${op} n y`] });
    await writeFile(path("other.onnx"), negated);
    const { status } = await onebit("verify", path("plain.onnx"), "--against", path("other.onnx"));
    expect(status).toBe(FAILED);
  });

  it("says no, with status 1 and the next step, where they differ", async () => {
    const args = ["verify", path("broken.onebit"), "--against", path("float.safetensors")];
    const { status, stdout, stderr } = await onebit(...args, "--images", "40");
    expect(status).toBe(FAILED);
    expect(stdout).toMatch(/verdict +they differ/);
    expect(stderr).toMatch(/differ: .*npx onebit bisect .*broken\.onebit/);
    const json = await onebit(...args, "--images", "40", "--json");
    expect(json.status).toBe(FAILED);
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, images: 40 });
  });

  it("advises a command that works when followed, spaces and flags included", async () => {
    const [packed, float] = [path("it's broken.onebit"), path("the float.safetensors")];
    await copyFile(path("broken.onebit"), packed);
    await copyFile(path("float.safetensors"), float);
    const flags = ["--seed", "3", "--backend", "reference"];
    const { stderr } = await onebit("verify", packed, "--against", float, ...flags);
    const advice = /Where they part: (npx onebit bisect .*)$/m.exec(stderr)![1];
    const [, , ...words] = shellWords(advice);
    expect(words).toEqual(["bisect", packed, float, ...flags]);
    expect((await onebit(...words)).stderr).toMatch(/ part at feature\.1\./);
  });

  it("advises none where the networks have no names in common, or narrow maps", async () => {
    await writeFile(path("foreign.onnx"), colourClassifier({ image: greyImage }));
    const foreign = ["verify", path("packed.onebit"), "--against", path("foreign.onnx")];
    const other = await onebit(...foreign, "--mean", "0", "--std", "1");
    expect(other.stderr).toMatch(/they? ?differ|differ: /);
    expect(other.stderr).not.toContain("bisect");
    const args = ["verify", path("broken.onebit"), "--against", path("float.safetensors")];
    const narrow = await onebit(...args, "--maps", "bfloat16");
    expect(narrow.stderr).toMatch(/differ: /);
    expect(narrow.stderr).not.toContain("bisect");
  });

  it("is not satisfied with what a larger tolerance would allow", async () => {
    const args = ["verify", path("packed.onebit"), "--against", path("float.safetensors")];
    const strict = await onebit(...args, "--tolerance", "0");
    expect(strict.stderr).toMatch(/beyond 0 without a sign at its threshold/);
    expect(strict.status).toBe(FAILED);
  });
});

describe("bisect", () => {
  it("names the first node in words and in JSON", async () => {
    const args = ["bisect", path("broken.onebit"), path("float.safetensors")];
    const { status, stdout, stderr } = await onebit(...args);
    expect(status).toBe(FAILED);
    expect(stderr).toMatch(
      /part at feature\.1\.FFN\.binary_conv|part at feature\.1\.Attention\.binary_conv \(sum/,
    );
    expect(stdout).toMatch(/differs +what +where/);
    const json = await onebit(...args, "--json");
    const result = JSON.parse(json.stdout);
    expect(result.ok).toBe(false);
    expect(result.first).toBe(result.differences[0].node);
    expect(result.differences[0].position).toMatchObject({ channel: expect.any(Number) });
  });

  it("finds nothing between a network and its export", async () => {
    const result = await onebitJson("bisect", path("packed.onebit"), path("net.onnx"));
    expect(result).toMatchObject({ ok: true, differences: [], first: null, images: 2 });
  });
});

describe("verify and bisect refuse", () => {
  const { refuses } = refusalsIn(path);
  const on = "--against {float.safetensors}";
  refuses(WRONG_USAGE, [
    ["no second network", "verify {packed.onebit}", /--against <model>/],
    [
      "a backend for a float model",
      `verify {packed.onebit} ${on} --against-backend wasm`,
      /--against-backend wasm goes with packed networks/,
    ],
    ["two sources", `verify {packed.onebit} {photo.png} ${on} --data glyphs`, /only one of them/],
    ["flags of ONNX where there is none", `verify {packed.onebit} ${on} --mean 0`, /says? itself/],
    [
      "an output where there are none",
      `bisect {packed.onebit} {float.safetensors} --output-name y`,
      /--output-name \S+ goes with \.onnx models/,
    ],
    ["a tolerance that is none", `verify {packed.onebit} ${on} --tolerance x`, /--tolerance x/],
    ["a seed that is none", `verify {packed.onebit} ${on} --seed -1`, /--seed -1/],
    ["a picture as an array", `verify {packed.onebit} ${on} --input {photo.png}`, /photo/],
    ["--limit without data", `bisect {packed.onebit} {net.onnx} --limit 3`, /goes with --data/],
  ]);
  refuses(FAILED, [
    ["other classes", `verify {three.safetensors} ${on}`, /3 classes, .* 4/],
    ["a file that is not there", `verify {nowhere.onebit} ${on}`, /nowhere\.onebit: there is no/],
  ]);
});

describe.each([
  "bnext-narrow-c10",
  "bnext18-narrow-c10",
  "reactnet-a-narrow",
  "reactnet-18-narrow",
])("verify %s", (bundle) => {
  const folder = shared(`goldens/${bundle}`);
  if (!folder) return it("skipped: no goldens", () => {});

  it("packed and float agree on unselected images, flips and all", async () => {
    const checkpoint = `${folder}/checkpoint-dataparallel.pth.tar`;
    await onebit("import", checkpoint, "-o", path("x.safetensors"));
    await onebit("import", checkpoint, "-o", path("x.onebit"));
    const result = await verified(
      "x.onebit",
      "x.safetensors",
      "--input",
      `${folder}/inputs-many.npy`,
    );
    expect(result).toMatchObject({ ok: true, unexplained: 0 });
    expect(result.withinTolerance).toBeGreaterThan(0.9);
  });
});

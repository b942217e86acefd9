import { writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { readNpy } from "../../../core/src/test-support/npy.js";
import { temporaryFolder } from "../test-support/folder.js";
import { linearNetwork, writeFloatModel } from "../test-support/networks.js";
import { colourClassifier } from "../test-support/onnx.js";
import { onebit } from "../test-support/run-cli.js";

const path = temporaryFolder();

beforeAll(async () => {
  // Logit k is the mean of channel k; pixels are normalised to -1 .. 1.
  const names = ["red", "green", "blue"];
  const options = { classes: 3, input: [3, 8, 8] as [number, number, number] };
  const model = linearNetwork(options, names, (k, i) => (Math.floor(i / 64) === k ? 1 / 64 : 0));
  await writeFloatModel(path("colours.safetensors"), model);
  await onebit("pack", path("colours.safetensors"), "-o", path("colours.onebit"));
  const grey = linearNetwork({ classes: 2, input: [1, 8, 8] }, ["a", "b"], (k) => k);
  await writeFloatModel(path("grey.safetensors"), grey);
  await onebit("pack", path("grey.safetensors"), "-o", path("grey.onebit"));
});

interface Layout {
  readonly descr?: string;
  readonly fortran?: boolean;
}

/** NumPy's format 1.0 around bytes that are in the file's own order already. */
function npy(shape: readonly number[], bytes: Uint8Array, { descr = "<f4", fortran }: Layout = {}) {
  const order = fortran ? "True" : "False";
  const sizes = shape.map((size) => `${size},`).join(" ");
  const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${sizes}), }`;
  const header = Buffer.from(`\x93NUMPY\x01\x00  ${text.padEnd(117)}\n`, "latin1");
  header.writeUInt16LE(118, 8);
  return Buffer.concat([header, bytes]);
}

const bytesOf = (data: ArrayBufferView) =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** [2, 3, 8, 8], between -1 and 1, with halves that every type holds exactly. */
const values = Float32Array.from({ length: 2 * 192 }, (_, i) => ((i * 37) % 65) / 32 - 1);
const means = [0, 1, 2, 3, 4, 5].map(
  (plane) => values.subarray(plane * 64, plane * 64 + 64).reduce((sum, x) => sum + x, 0) / 64,
);

async function run(bytes: Uint8Array, network = "colours.onebit") {
  await writeFile(path("x.npy"), bytes);
  const files = ["--input", path("x.npy"), "--output", path("y.npy")];
  return onebit("run", path(network), ...files, "--json");
}

async function expectMeans(bytes: Uint8Array): Promise<void> {
  const { status, stderr } = await run(bytes);
  expect([status, stderr]).toEqual([0, ""]);
  readNpy(path("y.npy")).data.forEach((x, i) => {
    expect(x).toBeCloseTo(means[i], 5);
  });
}

function swapped(bytes: Uint8Array, size: number): Uint8Array {
  const out = bytes.slice();
  for (let i = 0; i < out.length; i += size) out.subarray(i, i + size).reverse();
  return out;
}

/** The bits of the halves of these values, which are exact in them. */
function halves(data: Float32Array): Uint16Array {
  return Uint16Array.from(data, (x) => {
    if (x === 0) return 0;
    const exponent = Math.floor(Math.log2(Math.abs(x)));
    const fraction = (Math.abs(x) / 2 ** exponent - 1) * 1024;
    return (x < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | fraction;
  });
}

describe("images from NumPy may be", () => {
  const shape = [2, 3, 8, 8];

  it("float32, float64 and float16", async () => {
    await expectMeans(npy(shape, bytesOf(values)));
    await expectMeans(npy(shape, bytesOf(Float64Array.from(values)), { descr: "<f8" }));
    await expectMeans(npy(shape, bytesOf(halves(values)), { descr: "<f2" }));
  });

  it("big-endian", async () => {
    await expectMeans(npy(shape, swapped(bytesOf(values), 4), { descr: ">f4" }));
    const wide = swapped(bytesOf(Float64Array.from(values)), 8);
    await expectMeans(npy(shape, wide, { descr: ">f8" }));
  });

  it("in Fortran's order", async () => {
    const data = new Float32Array(values.length);
    values.forEach((x, i) => {
      const [n, c, h, w] = [Math.floor(i / 192), Math.floor(i / 64) % 3, (i >> 3) % 8, i % 8];
      data[n + 2 * (c + 3 * (h + 8 * w))] = x;
    });
    await expectMeans(npy(shape, bytesOf(data), { fortran: true }));
  });
});

describe("images from NumPy are refused", () => {
  async function expectRefused(bytes: Uint8Array, message: RegExp, network?: string) {
    const { status, stdout, stderr } = await run(bytes, network);
    expect(stderr).toMatch(message);
    expect([status, stdout]).toEqual([1, ""]);
  }
  const floats = (...shape: number[]) =>
    npy(shape, bytesOf(new Float32Array(shape.reduce((n, size) => n * size, 1))));

  it("as whole numbers, with the formula", async () => {
    const pixels = Uint8Array.from({ length: 384 }, (_, i) => i % 256);
    const wanted =
      /x\.npy: is uint8, 0 to 255: normalised images are wanted, \(pixel \/ 255 - mean\) \/ std with mean 0\.5,0\.5,0\.5 and std 0\.5,0\.5,0\.5/;
    await expectRefused(npy([2, 3, 8, 8], pixels, { descr: "|u1" }), wanted);
    const longs = bytesOf(BigInt64Array.from(pixels, BigInt));
    await expectRefused(npy([2, 3, 8, 8], longs, { descr: "<i8" }), /is int64, 0 to 255/);
  });

  it("with NaN or infinity, whose place is told", async () => {
    const data = values.slice();
    data[192 + 64 + 8 + 2] = Number.NaN;
    data[383] = Number.POSITIVE_INFINITY;
    await expectRefused(
      npy([2, 3, 8, 8], bytesOf(data)),
      /x\.npy: 2 of 384 values are no finite numbers, the first is NaN at \[1, 1, 1, 2\]/,
    );
  });

  it.each([
    [
      "channels last",
      [2, 8, 8, 3],
      /\[2,8,8,3\]; .* channels are last here: x\.transpose\(0, 3, 1, 2\)/,
    ],
    ["one picture with channels last", [8, 8, 3], /last here: x\.transpose\(2, 0, 1\)\[None\]/],
    ["grey for colour", [2, 1, 8, 8], /of 3 channels, not 1: .* x\.repeat\(3, axis=1\)/],
    ["too many channels", [2, 4, 8, 8], /of 3 channels, not 4/],
    ["one flat picture", [192], /\[192\]; images \[N, channels, height, width\] are wanted/],
    ["flat pictures", [2, 192], /flat images become x\.reshape\(-1, channels, height, width\)/],
    ["an axis too many", [1, 2, 3, 8, 8], /\[1,2,3,8,8\]; images/],
    ["none", [0, 3, 8, 8], /and this holds none/],
  ])("as %s", async (_, shape, message) => {
    await expectRefused(floats(...shape), message);
  });

  it("as grey pictures without their axis of channels", async () => {
    const message = /grey images without their axis of channels\? x\[:, None\]/;
    await expectRefused(floats(5, 8, 8), message, "grey.onebit");
    await expectRefused(floats(3, 8, 8), message, "grey.onebit");
  });
});

describe("images from NumPy that are hardly normalised", () => {
  it.each([
    ["pixels", 255, /note: .*x\.npy: values of 0 to 255 look like pixels: normalised .* mean 0\.5/],
    ["pixels over 255", 1, /note: .*values of 0 to 1 look like pixels over 255/],
  ])("%s are noted", async (_, largest, message) => {
    const data = Float32Array.from({ length: 384 }, (_, i) => ((i % 256) * largest) / 255);
    const { status, stderr } = await run(npy([2, 3, 8, 8], bytesOf(data)));
    expect(stderr).toMatch(message);
    expect(status).toBe(0);
  });

  it("verify says it too", async () => {
    const data = Float32Array.from({ length: 384 }, (_, i) => i % 256);
    await writeFile(path("x.npy"), npy([2, 3, 8, 8], bytesOf(data)));
    const files = [path("colours.onebit"), "--against", path("colours.safetensors")];
    const { stderr } = await onebit("verify", ...files, "--input", path("x.npy"));
    expect(stderr).toMatch(/note: .*look like pixels/);
  });
});

describe("a network that takes pixels", () => {
  beforeAll(async () => {
    const image = { name: "image", shape: ["N", 3, 8, 8], type: 2 };
    await writeFile(path("pixels.onnx"), colourClassifier({ image }));
  });

  it("takes them from NumPy as they are", async () => {
    const pixels = Uint8Array.from({ length: 384 }, (_, i) => i % 256);
    await run(npy([2, 3, 8, 8], pixels, { descr: "|u1" }), "pixels.onnx");
    const bytes = readNpy(path("y.npy")).data;
    const { status, stderr } = await run(
      npy([2, 3, 8, 8], bytesOf(Float32Array.from(pixels))),
      "pixels.onnx",
    );
    expect([status, stderr]).toEqual([0, ""]);
    expect(readNpy(path("y.npy")).data).toEqual(bytes);
  });

  it("and nothing else", async () => {
    const { status, stderr } = await run(npy([2, 3, 8, 8], bytesOf(values)), "pixels.onnx");
    expect(stderr).toMatch(/"image" takes pixels, whole numbers of 0 to 255 \(uint8\), not -1:/);
    expect(status).toBe(1);
  });
});

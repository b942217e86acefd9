import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UsageError } from "../errors.js";
import { meanModel } from "../test-support/mean-model.js";
import type { Classifier } from "./classifier.js";
import { load } from "./load.js";

/** Two rows of three pixels, all alike: the logits are these three numbers / 255. */
const colour = [255, 51, 0];
const rgb = Array.from({ length: 6 }, () => colour).flat();
const rgba = Array.from({ length: 6 }, () => [...colour, 255]).flat();
const size = { width: 3, height: 2 };
const likeliest = [0, 1, 2];

const planes = colour.flatMap((c) => Array(6).fill(c / 255));
const shape = [1, 3, 2, 3];

let model: Classifier;

beforeAll(async () => {
  model = await load(await meanModel(2, 3), { backend: "reference" });
});

afterAll(() => model.dispose());

const order = (top: readonly { index: number }[]) => top.map(({ index }) => index);
const anything = (value: unknown) => value as never;

describe("classify", () => {
  it.each([
    ["bytes", { ...size, data: Uint8Array.from(rgb) }],
    ["clamped bytes", { ...size, data: Uint8ClampedArray.from(rgba) }],
    ["a Buffer", { ...size, data: Buffer.from(rgb) }],
    ["a plain list", { ...size, data: rgb }],
    ["bytes of another realm", { ...size, data: runInNewContext(`Uint8Array.from([${rgb}])`) }],
    ["shared bytes", { ...size, data: new Uint8Array(new SharedArrayBuffer(18)).fill(255) }],
    ["what sharp gives", { ...size, channels: 3, size: 18, format: "raw", data: Buffer.from(rgb) }],
  ])("takes pixels as %s", async (_, image) => {
    const top = await model.classify(image);
    expect(order(top)).toEqual(likeliest);
    expect(order((await model.classify([image, image]))[1])).toEqual(likeliest);
    const { logits } = await model.features(image);
    expect(logits.data[0]).toBe(1);
  });

  it("takes lists of mixed kinds, sets and generators, and none", async () => {
    const image = { ...size, data: rgb };
    const bytes = { ...size, data: Uint8Array.from(rgb) };
    function* images() {
      yield image;
      yield bytes;
    }
    for (const list of [[image, bytes], new Set([image, bytes]), images()]) {
      expect((await model.classify(list)).map(order)).toEqual([likeliest, likeliest]);
    }
    expect(await model.classify([])).toEqual([]);
  });

  const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 74, 70, 73, 70, 0, 1, 1]);

  it("refuses pixels whose memory is gone", async () => {
    const data = new Uint8Array(18);
    structuredClone(data.buffer, { transfer: [data.buffer] });
    await expect(model.classify({ ...size, data })).rejects.toThrow(/0 bytes .*transferred away\?/);
    await expect(model.classify(anything(data))).rejects.toThrow(
      /^image: a Uint8Array: wanted are pixels \{ data, width, height \}, which decodeImage of onebit\/images/,
    );
  });

  it.each([
    [undefined, /^image: undefined: wanted are pixels \{ data, width, height \}/],
    [null, /^image: null: wanted/],
    [0.5, /^image: 0.5: wanted/],
    [
      "photo.jpg",
      /^image: "photo.jpg": decode it first: await decodeImage\(it\), which is in onebit.images$/,
    ],
    [
      new URL("http://x/y.png"),
      /^image: an? URL: .*decodeImage\(await \(await fetch\(it\)\)\.blob\(\)\)/,
    ],
    [new URL("file:///y.png"), /^image: an? URL: .*decodeImage\(it\)/],
    [Promise.resolve(), /^image: a Promise: await it first/],
    [() => 1, /^image: a function: wanted/],
    [{}, /^image: an empty object: wanted/],
    [{ pixels: [], size: 3 }, /^image: an object \{ pixels, size \}: wanted/],
    [jpeg, /^image: a Uint8Array: it is an encoded picture: decode it first: .*decodeImage\(it\)/],
    [
      jpeg.buffer.slice(jpeg.byteOffset, jpeg.byteOffset + 13),
      /ArrayBuffer: it is an encoded picture/,
    ],
    [new Uint8Array(18), /^image: a Uint8Array: wanted are pixels/],
    [new Float32Array(18), /^image: a Float32Array: wanted are pixels/],
    [new Blob([jpeg]), /^image: a Blob: .*decodeImage\(it\)/],
    [new Response(jpeg), /^image: a Response: .*decodeImage\(await it\.blob\(\)\)/],
    [[[{ ...size, data: rgb }]], /^images\[0\]: a list inside/],
    [[rgb], /^images\[0\]: a list inside/],
    [rgb, /^images\[0\]: 255: wanted/],
    [[{ ...size, data: rgb }, undefined], /^images\[1\]: undefined: wanted/],
    [{ shape, data: Float32Array.from(planes) }, /^image: .*a tensor goes to run\(\)/],
    [{ ...size, data: Uint16Array.from(rgb) }, /^image: data is a Uint16Array: 8-bit pixels/],
    [{ ...size, data: Float32Array.from(rgb) }, /^image: data is a Float32Array: 8-bit pixels/],
    [{ ...size, data: rgb.map((x) => x / 255) }, /^image: data is a list with other numbers/],
    [{ ...size, data: rgb.map(String) }, /^image: data is a list with other numbers/],
    [{ ...size, data: undefined }, /^image: data is undefined/],
    [
      { ...size, data: jpeg },
      /13 bytes are not 3x2 pixels of 1 to 4 channels: it is an encoded picture/,
    ],
    [{ ...size, width: 4, data: rgb }, /18 bytes are not 4x2 pixels/],
    [{ ...size, width: "3", data: rgb }, /18 bytes are not "3"x2 pixels/],
    [{ ...size, height: -2, width: -3, data: rgb }, /18 bytes are not -3x-2 pixels/],
    [{ ...size, data: new Array(18) }, /a list with other numbers than 0 to 255/],
    [{ width: 0, height: 0, data: [] }, /0 bytes are not 0x0 pixels/],
    [{ ...size, width: Number.NaN, data: rgb }, /18 bytes are not NaNx2 pixels/],
    [{ ...size, channels: 1, data: Buffer.alloc(12) }, /12 bytes are not 3x2 pixels of 1 channels/],
  ])("refuses %s, and says what is wanted", async (image, message) => {
    const failing = model.classify(anything(image));
    await expect(failing).rejects.toThrow(message);
    await expect(failing).rejects.toThrow(UsageError);
  });

  it.each([
    [{ top: Number.NaN }, /^top NaN: must be a whole number from 1/],
    [{ top: "3" }, /^top "3": must be/],
    [{ top: 0 }, /^top 0: must be/],
    [{ topk: 3 }, /^classify: unknown option "topk": did you mean "top"\?/],
    [{ labels: [] }, /^classify: unknown option "labels": there are top/],
    [3, /^classify: options must be an object, not 3/],
    [null, /^classify: options must be an object, not null/],
  ])("refuses the options %o", async (options, message) => {
    const failing = model.classify({ ...size, data: rgb }, anything(options));
    await expect(failing).rejects.toThrow(message);
    await expect(failing).rejects.toThrow(UsageError);
  });
});

describe("run", () => {
  it.each([
    ["Float32Array", Float32Array.from(planes)],
    ["Float64Array", Float64Array.from(planes)],
    ["a plain list", planes],
    ["floats of another realm", runInNewContext(`Float32Array.from([${planes}])`)],
    ["shared floats", new Float32Array(new SharedArrayBuffer(72)).map((_, i) => planes[i])],
  ])("takes %s", async (_, data) => {
    const { logits } = await model.run({ shape, data });
    expect(logits.shape).toEqual([1, 3]);
    colour.forEach((c, i) => {
      expect(logits.data[i]).toBeCloseTo(c / 255, 6);
    });
    expect((await model.features({ shape, data })).logits).toEqual(logits);
  });

  const data = Float32Array.from(planes);
  const withOne = (value: number) => Float32Array.from(data, (x, i) => (i === 14 ? value : x));
  const gone = new Float32Array(18);
  structuredClone(gone.buffer, { transfer: [gone.buffer] });

  it.each([
    [null, /^input: null: \{ shape: \[N, 3, 2, 3\], data: Float32Array \} is wanted/],
    [Promise.resolve(), /^input: a Promise: await it first/],
    [data, /^input: a Float32Array: give \{ shape: \[1, 3, 2, 3\], data \}/],
    [[[planes]], /^input: a list: give \{ shape: \[1, 3, 2, 3\], data: list.flat\(3\) \}/],
    [{ ...size, data: rgb }, /^input: an object .* pictures go to classify/],
    [
      { shape: [1, 2, 3, 3], data },
      /\[1, 2, 3, 3\] does not fit: channels are last; give \[N, 3, 2, 3\]/,
    ],
    [{ shape: [4, 9, 7, 3], data }, /channels are last/],
    [{ shape: [3, 2, 3], data }, /\[3, 2, 3\] does not fit: one image is \[1, 3, 2, 3\]/],
    [{ shape: [1, 3, 4, 6], data }, /is wanted; other sizes: load\(file, \{ input: \[4, 6\] \}\)/],
    [{ shape: [0, 3, 2, 3], data: [] }, /\[0, 3, 2, 3\] does not fit: \[N, 3, 2, 3\] is wanted/],
    [{ shape: [-1, 3, 2, 3], data }, /does not fit/],
    [{ shape: [], data }, /input \[\] does not fit/],
    [{ shape: 18, data }, /of shape 18 does not fit/],
    [{ shape: null, data }, /of shape null does not fit/],
    [{ shape: [2, 3, 2, 3], data }, /holds 18 numbers instead of 36/],
    [{ shape, data: gone }, /holds 0 numbers instead of 18 \(was its memory transferred away\?\)/],
    [{ shape, data: Uint8Array.from(rgb) }, /data is a Uint8Array: normalised .*go to classify/],
    [{ shape, data: BigInt64Array.from([1n]) }, /data is a BigInt64Array: normalised/],
    [{ shape, data: planes.map(String) }, /list of other things than numbers/],
    [{ shape, data: "1,2" }, /data is "1,2": normalised/],
    [
      { shape, data: withOne(Number.NaN) },
      /1 of 18 numbers are not finite, the first \(NaN\) at \[0, 2, 0, 2\]/,
    ],
    [{ shape, data: withOne(Number.NEGATIVE_INFINITY) }, /the first \(-Infinity\) at/],
    [{ shape, data: planes.map(() => 1e300) }, /18 of 18 numbers are not finite/],
  ])("refuses %o, and says what is wanted", async (input, message) => {
    for (const failing of [model.run(anything(input)), ...features(input)]) {
      await expect(failing).rejects.toThrow(message);
      await expect(failing).rejects.toThrow(UsageError);
    }
  });

  /** What has a shape is a tensor to features() as well. */
  function features(input: unknown): Promise<unknown>[] {
    const isTensor = typeof input === "object" && input !== null && "shape" in input;
    return isTensor ? [model.features(anything(input))] : [];
  }

  it("of features() refuses what is neither picture nor tensor", async () => {
    await expect(model.features(anything(null))).rejects.toThrow(/^image: null: wanted/);
    await expect(model.features(anything([]))).rejects.toThrow(/^image: an empty list/);
  });
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import sharp from "sharp";
import { expect, it } from "vitest";
import { UsageError } from "../errors.js";
import { decodeImage } from "./decode.js";
import { loadDecoder, NoDecoder } from "./decoder.js";

/** Left half red, right half blue. */
const halves = () => {
  const data = Buffer.alloc(16 * 8 * 3);
  for (let i = 0; i < 128; i++) data[i * 3 + (i % 16 < 8 ? 0 : 2)] = 255;
  return sharp(data, { raw: { width: 16, height: 8, channels: 3 } });
};

it("decodes every format", async () => {
  for (const format of ["png", "jpeg", "webp", "avif"] as const) {
    const bytes = await halves().toFormat(format, { quality: 95 }).toBuffer();
    const image = await decodeImage(bytes, { name: format });
    expect(image).toMatchObject({ width: 16, height: 8, channels: 3 });
    expect(image.data[0]).toBeGreaterThan(225);
    expect(image.data[2]).toBeLessThan(30);
  }
});

it("reads GIF and TIFF, of several frames or pages the first", async () => {
  const frames = Buffer.concat([Buffer.alloc(16 * 3, 200), Buffer.alloc(16 * 3, 10)]);
  const raw = { width: 4, height: 8, channels: 3, pageHeight: 4 } as const;
  const animated = await sharp(frames, { raw }).gif().toBuffer();
  const both = { animated: true } as const;
  const pictures = {
    gif: animated,
    webp: await sharp(animated, both).webp({ lossless: true }).toBuffer(),
    tiff: await sharp(animated, both).tiff({ compression: "none" }).toBuffer(),
  };
  for (const [name, bytes] of Object.entries(pictures)) {
    const image = await decodeImage(bytes, { name: name });
    expect(image).toMatchObject({ width: 4, height: 4, channels: 3 });
    expect(new Set(image.data), name).toEqual(new Set([200]));
  }
  for (const compression of ["none", "lzw", "deflate", "jpeg"] as const) {
    const image = await decodeImage(await halves().tiff({ compression }).toBuffer(), {
      name: compression,
    });
    expect(image).toMatchObject({ width: 16, height: 8, channels: 3 });
    expect(image.data[0]).toBeGreaterThan(225);
  }
});

it("turns CMYK into RGB as Pillow does, in JPEG and TIFF", async () => {
  const cmyk = () => halves().flatten().pipelineColourspace("cmyk").toColourspace("cmyk");
  const { data: inks } = await cmyk().raw().toBuffer({ resolveWithObject: true });
  const tiff = await decodeImage(await cmyk().tiff({ compression: "none" }).toBuffer(), {
    name: "tiff",
  });
  const jpeg = await decodeImage(await cmyk().jpeg({ quality: 100 }).toBuffer(), { name: "jpeg" });
  expect(inks).toHaveLength((4 * tiff.data.length) / 3);
  for (let i = 0; i < tiff.data.length; i++) {
    const [pixel, c] = [Math.floor(i / 3), i % 3];
    const light = 255 - inks[4 * pixel + 3];
    const wanted = light * (1 - inks[4 * pixel + c] / 255);
    expect(Math.abs(tiff.data[i] - wanted)).toBeLessThanOrEqual(0.5 + 1e-9);
    // JPEG loses a little at the edge between the halves.
    if (pixel % 16 < 4 || pixel % 16 > 11) {
      expect(Math.abs(jpeg.data[i] - wanted)).toBeLessThanOrEqual(4);
    }
  }
});

it("turns by all eight EXIF orientations", async () => {
  // a b c / d e f, as the camera stored it; right: what is to be seen, row by row.
  const stored = Buffer.from([10, 20, 30, 40, 50, 60]);
  const seen: { [orientation: number]: number[][] } = {
    1: [
      [10, 20, 30],
      [40, 50, 60],
    ],
    2: [
      [30, 20, 10],
      [60, 50, 40],
    ],
    3: [
      [60, 50, 40],
      [30, 20, 10],
    ],
    4: [
      [40, 50, 60],
      [10, 20, 30],
    ],
    5: [
      [10, 40],
      [20, 50],
      [30, 60],
    ],
    6: [
      [40, 10],
      [50, 20],
      [60, 30],
    ],
    7: [
      [60, 30],
      [50, 20],
      [40, 10],
    ],
    8: [
      [30, 60],
      [20, 50],
      [10, 40],
    ],
  };
  for (const [orientation, rows] of Object.entries(seen)) {
    const picture = sharp(stored, { raw: { width: 3, height: 2, channels: 1 } });
    const bytes = await picture
      .toColourspace("b-w")
      .withExif({ IFD0: { Orientation: orientation } })
      .withMetadata({ orientation: Number(orientation) })
      .png()
      .toBuffer();
    const { width, height, channels, data } = await decodeImage(bytes, { name: orientation });
    expect([height, width], orientation).toEqual([rows.length, rows[0].length]);
    expect([...data].filter((_, i) => i % channels === 0)).toEqual(rows.flat());
  }
});

it("believes first bytes, not names", async () => {
  const folder = await mkdtemp(join(tmpdir(), "onebit-decode-"));
  const path = join(folder, "photo.jpg");
  await writeFile(path, await halves().png().toBuffer());
  expect(await decodeImage(path)).toMatchObject({ width: 16, height: 8, channels: 3 });
  await rm(folder, { recursive: true });
});

it.each([
  ["BMP", "BM......", /it is a BMP picture; JPEG, PNG, .* are read: convert or remove it/],
  ["PPM", "P6\n1 1\n255\nabc", /it is a PNM picture/],
  ["HEIC", "\0\0\0\x18ftypheic\0\0\0\0mif1heic", /it is a HEIC picture/],
  ["SVG", "<svg xmlns='http://www.w3.org/2000/svg'/>", /it is a drawing \(SVG\)/],
  ["web pages", "<!DOCTYPE html><html>404", /it is a web page/],
  ["pointers", "version https://git-lfs.github.com/spec/v1\n", /it is a pointer of Git LFS/],
  ["side files", "\x00\x05\x16\x07\x00\x02", /it is a side file of macOS/],
  ["empty files", "", /it is empty/],
  ["text", "hello", /it is no picture that is known here/],
])("names %s, which it does not read", async (_, content, message) => {
  const bytes = Buffer.from(content, "latin1");
  await expect(decodeImage(bytes, { name: "x.jpg" })).rejects.toThrow(
    /^x\.jpg: cannot be decoded: /,
  );
  await expect(decodeImage(bytes, { name: "x.jpg" })).rejects.toThrow(message);
});

it("refuses pictures of kilobytes that claim gigabytes, and samples without a scale", async () => {
  const create = { width: 12_000, height: 12_000, channels: 3, background: "#fff" } as const;
  const huge = await sharp({ create }).png({ compressionLevel: 1 }).toBuffer();
  await expect(decodeImage(huge, { name: "huge" })).rejects.toThrow(
    /more than 134217728 pixels: make it/,
  );
  const scene = halves().pipelineColourspace("scrgb").toColourspace("scrgb");
  const floats = await scene.tiff({ compression: "none" }).toBuffer();
  await expect(decodeImage(floats, { name: "floats" })).rejects.toThrow(
    /its samples are float, not of 8/,
  );
});

it("turns as the EXIF orientation says", async () => {
  // 6: the camera was turned, the picture must be turned clockwise; left becomes top.
  const bytes = await halves().withMetadata({ orientation: 6 }).png().toBuffer();
  const image = await decodeImage(bytes, { name: "turned" });
  expect(image).toMatchObject({ width: 8, height: 16 });
  expect([...image.data.subarray(0, 3)]).toEqual([255, 0, 0]);
  expect([...image.data.subarray(-3)]).toEqual([0, 0, 255]);
});

it("lays alpha on white, keeps grey at one channel, reads 16 bits as 8", async () => {
  const clear = { r: 255, g: 0, b: 0, alpha: 0 };
  const transparent = sharp({ create: { width: 2, height: 2, channels: 4, background: clear } });
  const onWhite = await decodeImage(await transparent.png().toBuffer(), { name: "alpha" });
  expect(onWhite.channels).toBe(3);
  expect(new Set(onWhite.data)).toEqual(new Set([255]));

  const grey = sharp(Buffer.from([0, 80, 160, 255]), { raw: { width: 2, height: 2, channels: 1 } });
  const image = await decodeImage(await grey.toColourspace("b-w").png().toBuffer(), {
    name: "grey",
  });
  expect(image.channels).toBe(1);
  expect([...image.data]).toEqual([0, 80, 160, 255]);

  const deep = await halves().toColourspace("rgb16").png().toBuffer();
  const shallow = await decodeImage(deep, { name: "16 bits" });
  expect([...shallow.data.subarray(0, 3)]).toEqual([255, 0, 0]);
});

it("names the file that it cannot read", async () => {
  const folder = await mkdtemp(join(tmpdir(), "onebit-decode-"));
  const path = join(folder, "photo.jpg");
  const whole = await sharp({
    create: { width: 64, height: 64, channels: 3, background: "#346" },
  })
    .jpeg()
    .toBuffer();
  await writeFile(path, whole.subarray(0, whole.length - 40));
  await expect(decodeImage(path)).rejects.toThrow(/photo\.jpg: cannot be decoded \(.*\): replace/);
  await writeFile(path, "no image at all");
  await expect(decodeImage(path)).rejects.toThrow(/photo\.jpg: cannot be decoded/);
  await expect(decodeImage(join(folder, "absent.png"))).rejects.toThrow(
    /absent\.png: cannot be read \(there is no such file\)/,
  );
  await rm(folder, { recursive: true });
});

it("takes paths, URLs of files, bytes and Blobs, and says what else it does not take", async () => {
  const folder = await mkdtemp(join(tmpdir(), "onebit-decode-"));
  const path = join(folder, "photo.png");
  const bytes = await halves().png().toBuffer();
  await writeFile(path, bytes);
  const wanted = { width: 16, height: 8, channels: 3 };
  const { buffer } = Uint8Array.from(bytes);
  for (const given of [path, pathToFileURL(path), pathToFileURL(path).href, bytes, buffer]) {
    expect(await decodeImage(given)).toMatchObject(wanted);
  }
  expect(await decodeImage(new Blob([buffer]))).toMatchObject(wanted);
  await rm(folder, { recursive: true });
  const refused: readonly [unknown, RegExp][] = [
    ["https://example.org/x.png", /^https:\/\/example.org\/x.png: is no file: fetch it first: /],
    [new URL("data:,x"), /^data:,x: is no file/],
    [Promise.resolve(bytes), /not from a Promise: await it first$/],
    [{ data: [], width: 0, height: 0 }, /not from an object \{ data, width, height \}$/],
    [7, /not from 7$/],
  ];
  for (const [given, message] of refused) {
    const error = await decodeImage(given as string).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toMatch(message);
  }
});

it("knows its options", async () => {
  const wrong = { names: "x" } as object;
  await expect(decodeImage("x.png", wrong)).rejects.toThrow(
    /unknown option "names": did you mean "name"/,
  );
  await expect(decodeImage("x.png", { name: 7 as never })).rejects.toThrow(
    /^name 7: must be a text/,
  );
});

it("says what to install where nothing can decode", async () => {
  const missing = new Error('Could not load the "sharp" module\nPossible solutions: many');
  const error = await loadDecoder(() => Promise.reject(missing)).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(NoDecoder);
  expect(error.message).toMatch(
    /does not load here \(Could not load the "sharp" module\)\. .*\n {2}npm install --include=optional sharp$/,
  );
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { expect, it } from "vitest";
import { decodeImage, decodeImageFile } from "./decode.js";

/** Left half red, right half blue. */
const halves = () => {
  const data = Buffer.alloc(16 * 8 * 3);
  for (let i = 0; i < 128; i++) data[i * 3 + (i % 16 < 8 ? 0 : 2)] = 255;
  return sharp(data, { raw: { width: 16, height: 8, channels: 3 } });
};

it("decodes every format", async () => {
  for (const format of ["png", "jpeg", "webp", "avif"] as const) {
    const bytes = await halves().toFormat(format, { quality: 95 }).toBuffer();
    const image = await decodeImage(bytes, format);
    expect(image).toMatchObject({ width: 16, height: 8, channels: 3 });
    expect(image.data[0]).toBeGreaterThan(225);
    expect(image.data[2]).toBeLessThan(30);
  }
});

it("turns as the EXIF orientation says", async () => {
  // 6: the camera was turned, the picture must be turned clockwise; left becomes top.
  const bytes = await halves().withMetadata({ orientation: 6 }).png().toBuffer();
  const image = await decodeImage(bytes, "turned");
  expect(image).toMatchObject({ width: 8, height: 16 });
  expect([...image.data.subarray(0, 3)]).toEqual([255, 0, 0]);
  expect([...image.data.subarray(-3)]).toEqual([0, 0, 255]);
});

it("lays alpha on white, keeps grey at one channel, reads 16 bits as 8", async () => {
  const clear = { r: 255, g: 0, b: 0, alpha: 0 };
  const transparent = sharp({ create: { width: 2, height: 2, channels: 4, background: clear } });
  const onWhite = await decodeImage(await transparent.png().toBuffer(), "alpha");
  expect(onWhite.channels).toBe(3);
  expect(new Set(onWhite.data)).toEqual(new Set([255]));

  const grey = sharp(Buffer.from([0, 80, 160, 255]), { raw: { width: 2, height: 2, channels: 1 } });
  const image = await decodeImage(await grey.toColourspace("b-w").png().toBuffer(), "grey");
  expect(image.channels).toBe(1);
  expect([...image.data]).toEqual([0, 80, 160, 255]);

  const deep = await halves().toColourspace("rgb16").png().toBuffer();
  const shallow = await decodeImage(deep, "16 bits");
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
  await expect(decodeImageFile(path)).rejects.toThrow(
    /photo\.jpg: cannot be decoded \(.*\): replace/,
  );
  await writeFile(path, "no image at all");
  await expect(decodeImageFile(path)).rejects.toThrow(/photo\.jpg: cannot be decoded/);
  await expect(decodeImageFile(join(folder, "absent.png"))).rejects.toThrow(
    /absent\.png: cannot be read \(ENOENT\)/,
  );
  await rm(folder, { recursive: true });
});

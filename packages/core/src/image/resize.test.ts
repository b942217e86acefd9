import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crop } from "./crop.js";
import { type Box, type Interpolation, type PixelImage, resize } from "./resize.js";

/** The images of the golden values: value = 37x + 91y + 53c + 11 (xy mod 17), modulo 256. */
function pattern(width: number, height: number, channels: number): PixelImage {
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < data.length; i++) {
    const c = i % channels;
    const x = Math.floor(i / channels) % width;
    const y = Math.floor(i / channels / width);
    data[i] = x * 37 + y * 91 + c * 53 + ((x * y) % 17) * 11;
  }
  return { data, width, height, channels };
}

interface Golden {
  from: [number, number, number];
  to: [number, number];
  box?: Box;
  interpolation: Interpolation;
  values?: number[];
  crc?: number;
}

/** Made with Pillow 9.4.0: Image.fromarray(pattern).resize(to, filter, box=box). */
const GOLDENS: Golden[] = [
  {
    from: [7, 5, 1],
    to: [4, 3],
    interpolation: "bilinear",
    values: [61, 126, 124, 158, 149, 134, 132, 126, 102, 111, 121, 144],
  },
  {
    from: [7, 5, 1],
    to: [4, 3],
    interpolation: "bicubic",
    values: [56, 129, 124, 157, 153, 140, 132, 123, 100, 111, 120, 146],
  },
  {
    from: [5, 4, 3],
    to: [3, 3],
    interpolation: "bilinear",
    values: [
      45, 98, 151, 108, 144, 154, 127, 147, 200, 160, 158, 138, 144, 140, 122, 127, 125, 104, 95,
      115, 124, 140, 136, 90, 126, 102, 111,
    ],
  },
  {
    from: [5, 4, 3],
    to: [3, 3],
    interpolation: "bicubic",
    values: [
      31, 93, 154, 110, 147, 154, 129, 147, 209, 169, 165, 138, 149, 136, 126, 124, 125, 97, 90,
      114, 121, 144, 133, 89, 126, 102, 109,
    ],
  },
  {
    from: [4, 4, 1],
    to: [7, 6],
    interpolation: "bilinear",
    values: [
      0, 13, 34, 56, 77, 98, 111, 46, 61, 85, 110, 134, 158, 173, 106, 124, 153, 160, 166, 195, 213,
      167, 187, 220, 146, 72, 105, 125, 100, 123, 160, 133, 105, 142, 165, 17, 42, 82, 122, 162,
      202, 227,
    ],
  },
  {
    from: [4, 4, 1],
    to: [7, 6],
    interpolation: "bicubic",
    values: [
      0, 4, 27, 49, 70, 93, 106, 36, 48, 75, 108, 139, 166, 181, 105, 124, 156, 167, 178, 210, 229,
      177, 206, 241, 148, 53, 89, 118, 94, 122, 165, 131, 96, 139, 166, 0, 24, 71, 121, 170, 218,
      241,
    ],
  },
  {
    from: [9, 8, 1],
    to: [4, 3],
    box: [1.25, 0.5, 7.75, 6.1],
    interpolation: "bilinear",
    values: [132, 139, 121, 120, 126, 134, 130, 133, 112, 142, 127, 141],
  },
  {
    from: [9, 8, 1],
    to: [4, 3],
    box: [1.25, 0.5, 7.75, 6.1],
    interpolation: "bicubic",
    values: [132, 140, 122, 117, 128, 133, 130, 133, 104, 150, 125, 149],
  },
  { from: [500, 375, 3], to: [341, 256], interpolation: "bilinear", crc: 0x9d1fbf7b },
  { from: [500, 375, 3], to: [341, 256], interpolation: "bicubic", crc: 0xd76190f3 },
  { from: [256, 341, 3], to: [224, 224], interpolation: "bilinear", crc: 0x11d5efeb },
  { from: [256, 341, 3], to: [224, 224], interpolation: "bicubic", crc: 0x9c94bfcd },
  { from: [64, 48, 3], to: [65, 47], interpolation: "bilinear", crc: 0xa19435fc },
  { from: [64, 48, 3], to: [65, 47], interpolation: "bicubic", crc: 0x79f46215 },
  { from: [31, 200, 1], to: [200, 31], interpolation: "bilinear", crc: 0xf3abd276 },
  { from: [31, 200, 1], to: [200, 31], interpolation: "bicubic", crc: 0x180759d6 },
  {
    from: [97, 61, 3],
    to: [32, 32],
    box: [3.3, 2.7, 81.9, 60.2],
    interpolation: "bilinear",
    crc: 0x0c1be5f0,
  },
  {
    from: [97, 61, 3],
    to: [32, 32],
    box: [3.3, 2.7, 81.9, 60.2],
    interpolation: "bicubic",
    crc: 0xcaea8cee,
  },
  { from: [640, 480, 1], to: [7, 480], interpolation: "bilinear", crc: 0x2d8f9a3a },
  { from: [640, 480, 1], to: [7, 480], interpolation: "bicubic", crc: 0xecc8fdb6 },
  {
    from: [40, 40, 3],
    to: [40, 20],
    box: [0, 5, 40, 35],
    interpolation: "bilinear",
    crc: 0x334f9d0d,
  },
  {
    from: [40, 40, 3],
    to: [40, 20],
    box: [0, 5, 40, 35],
    interpolation: "bicubic",
    crc: 0xa60ee798,
  },
  { from: [28, 28, 1], to: [224, 224], interpolation: "bilinear", crc: 0x918a5901 },
  { from: [28, 28, 1], to: [224, 224], interpolation: "bicubic", crc: 0x52bf3e41 },
  { from: [1, 1, 3], to: [5, 5], interpolation: "bilinear", crc: 0x1cf0e77e },
  { from: [1, 1, 3], to: [5, 5], interpolation: "bicubic", crc: 0x1cf0e77e },
  { from: [300, 2, 3], to: [9, 9], interpolation: "bilinear", crc: 0x03b04189 },
  { from: [300, 2, 3], to: [9, 9], interpolation: "bicubic", crc: 0x860a9afe },
];

function kernel(interpolation: Interpolation, x: number): number {
  const t = Math.abs(x);
  if (interpolation === "bilinear") return Math.max(0, 1 - t);
  if (t <= 1) return 1.5 * t ** 3 - 2.5 * t ** 2 + 1;
  return t < 2 ? -0.5 * t ** 3 + 2.5 * t ** 2 - 4 * t + 2 : 0;
}

/** Row i: the normalised weights of every source pixel for output i, in float64. */
function weightRows(inSize: number, from: number, to: number, outSize: number, k: Interpolation) {
  const scale = (to - from) / outSize;
  const spread = Math.max(1, scale);
  return Array.from({ length: outSize }, (_, i) => {
    const centre = from + (i + 0.5) * scale;
    const row = Array.from({ length: inSize }, (_, j) => kernel(k, (j + 0.5 - centre) / spread));
    const sum = row.reduce((a, b) => a + b, 0);
    return row.map((w) => w / sum);
  });
}

/** out = clamp(V · clamp(in · Hᵀ)), without rounding between the passes. */
function plainResize(image: PixelImage, width: number, height: number, box: Box, k: Interpolation) {
  const rowsH = weightRows(image.width, box[0], box[2], width, k);
  const rowsV = weightRows(image.height, box[1], box[3], height, k);
  const clamp = (v: number) => Math.min(255, Math.max(0, v));
  const out: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < image.channels; c++) {
        let sum = 0;
        for (let j = 0; j < image.height; j++) {
          if (rowsV[y][j] === 0) continue;
          let across = 0;
          for (let i = 0; i < image.width; i++) {
            across += rowsH[x][i] * image.data[(j * image.width + i) * image.channels + c];
          }
          sum += rowsV[y][j] * clamp(across);
        }
        out.push(clamp(sum));
      }
    }
  }
  return out;
}

const interpolation = fc.constantFrom<Interpolation>("bilinear", "bicubic");
const side = fc.integer({ min: 1, max: 14 });

describe("resize against Pillow", () => {
  it.each(GOLDENS)("$from -> $to $interpolation", (golden) => {
    const [width, height] = golden.to;
    const { box } = golden;
    const out = resize(pattern(...golden.from), {
      width,
      height,
      interpolation: golden.interpolation,
      box,
    });
    expect([out.width, out.height, out.channels]).toEqual([width, height, golden.from[2]]);
    if (golden.values) expect([...out.data]).toEqual(golden.values);
    if (golden.crc !== undefined) expect(crc32(out.data)).toBe(golden.crc);
  });
});

describe("resize", () => {
  it("halves by weights 1/8 3/8 3/8 1/8, renormalised at the border", () => {
    const image = { data: new Uint8Array([0, 80, 160, 240]), width: 4, height: 1, channels: 1 };
    const out = resize(image, { width: 2, height: 1 });
    // Left: (3·0 + 3·80 + 1·160) / 7 = 57.1; right: (1·80 + 3·160 + 3·240) / 7 = 182.9.
    expect([...out.data]).toEqual([57, 183]);
  });

  it("differs from the float64 formula by at most 1.02 (two roundings)", () => {
    const box = fc.tuple(
      fc.double({ min: 0, max: 0.45, noNaN: true }),
      fc.double({ min: 0, max: 0.45, noNaN: true }),
      fc.double({ min: 0.55, max: 1, noNaN: true }),
      fc.double({ min: 0.55, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(side, side, side, side, box, interpolation, (w, h, outW, outH, b, k) => {
        const image = pattern(w, h, 2);
        const f = Math.fround;
        const box: Box = [f(b[0] * w), f(b[1] * h), f(b[2] * w), f(b[3] * h)];
        const got = resize(image, { width: outW, height: outH, interpolation: k, box }).data;
        const expected = plainResize(image, outW, outH, box, k);
        // Bicubic weights of the second pass sum to at most 1.25 in absolute value.
        const limit = k === "bilinear" ? 1.02 : 1.15;
        for (let i = 0; i < got.length; i++) {
          expect(Math.abs(got[i] - expected[i])).toBeLessThanOrEqual(limit);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("keeps a constant image constant", () => {
    fc.assert(
      fc.property(side, side, side, side, fc.nat(255), interpolation, (w, h, W, H, v, k) => {
        const image = { data: new Uint8Array(w * h * 3).fill(v), width: w, height: h, channels: 3 };
        const out = resize(image, { width: W, height: H, interpolation: k });
        expect(out.data.every((x) => x === v)).toBe(true);
      }),
    );
  });

  it("returns an equal copy at the same size", () => {
    const image = pattern(9, 7, 3);
    for (const k of ["bilinear", "bicubic"] as const) {
      const out = resize(image, { width: 9, height: 7, interpolation: k });
      expect(out).toEqual(image);
      expect(out.data).not.toBe(image.data);
    }
  });

  it("computes a window of what comes out, bit for bit", () => {
    const share = fc.tuple(fc.nat(13), fc.integer({ min: 1, max: 14 }));
    const within = (size: number, [at, length]: [number, number]) => {
      const start = at % size;
      return { start, length: Math.min(length, size - start) };
    };
    fc.assert(
      fc.property(side, side, side, side, share, share, interpolation, (w, h, W, H, x, y, k) => {
        const image = pattern(w, h, 2);
        const [across, down] = [within(W, x), within(H, y)];
        const window = {
          ...{ left: across.start, width: across.length },
          ...{ top: down.start, height: down.length },
        };
        const whole = resize(image, { width: W, height: H, interpolation: k });
        const part = resize(image, { width: W, height: H, interpolation: k, window });
        expect(part).toEqual(crop(whole, window));
      }),
      { numRuns: 300 },
    );
  });

  it("commutes with mirroring", () => {
    const mirror = (image: PixelImage): PixelImage => {
      const { width, height, channels } = image;
      const data = image.data.map((_, i) => {
        const c = i % channels;
        const x = Math.floor(i / channels) % width;
        const y = Math.floor(i / channels / width);
        return image.data[(y * width + (width - 1 - x)) * channels + c];
      });
      return { data, width, height, channels };
    };
    fc.assert(
      fc.property(side, side, side, side, interpolation, (w, h, W, H, k) => {
        const image = pattern(w, h, 2);
        const options = { width: W, height: H, interpolation: k };
        const a = resize(mirror(image), options).data;
        const b = mirror(resize(image, options)).data;
        // Equal but for the rounding of exact halves.
        for (let i = 0; i < a.length; i++) expect(Math.abs(a[i] - b[i])).toBeLessThanOrEqual(1);
      }),
    );
  });

  it.each(["bilinear", "bicubic"] as const)(
    "treats four channels alone, wherever they begin in memory, %s",
    (interpolation) => {
      const image = pattern(13, 9, 4);
      const asked = { width: 5, height: 4, interpolation };
      const out = resize(image, asked);
      for (let c = 0; c < 4; c++) {
        const one = { ...image, channels: 1, data: image.data.filter((_, i) => i % 4 === c) };
        expect(out.data.filter((_, i) => i % 4 === c)).toEqual(resize(one, asked).data);
      }
      for (const offset of [1, 4]) {
        const data = new Uint8Array(offset + image.data.length).subarray(offset);
        data.set(image.data);
        expect(resize({ ...image, data }, asked)).toEqual(out);
      }
    },
  );

  it("treats channels alone", () => {
    const image = pattern(11, 6, 3);
    const whole = resize(image, { width: 5, height: 8, interpolation: "bicubic" });
    for (let c = 0; c < 3; c++) {
      const one = { ...image, channels: 1, data: image.data.filter((_, i) => i % 3 === c) };
      const alone = resize(one, { width: 5, height: 8, interpolation: "bicubic" });
      expect(alone.data).toEqual(whole.data.filter((_, i) => i % 3 === c));
    }
  });

  it("refuses what it cannot do, with the numbers", () => {
    const image = pattern(4, 3, 1);
    expect(() => resize(image, { width: 0, height: 3 })).toThrow(/resize to 0x3/);
    expect(() => resize({ ...image, channels: 3 }, { width: 2, height: 2 })).toThrow(
      /4x3 with 3 channels needs 36 bytes, got 12/,
    );
    expect(() => resize(image, { width: 2, height: 2, box: [0, 0, 5, 3] })).toThrow(
      /box \[0, 0, 5, 3\] is not inside the image of 4x3/,
    );
    expect(() => resize(image, { width: 2, height: 2, box: [2, 0, 2, 3] })).toThrow(/box/);
    const window = { left: 1, top: 0, width: 2, height: 2 };
    expect(() => resize(image, { width: 2, height: 2, window })).toThrow(
      /a window of 2x2 at 1, 0 is not inside the 2x2 that come out/,
    );
    expect(() =>
      resize(image, { width: 2, height: 2, interpolation: "nearest" as Interpolation }),
    ).toThrow(/unknown interpolation "nearest": use bilinear or bicubic/);
  });
});

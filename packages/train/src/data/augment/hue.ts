import type { RawImage } from "../split.js";

/**
 * Turns the hue by `share` of the circle (-½ to ½), in steps of 1/255, through Pillow's 8-bit HSV as
 * torchvision does. Grey has no hue.
 */
export function shiftHue(image: RawImage, share: number): RawImage {
  if (image.channels === 1) return image;
  const { data } = image;
  const out = new Uint8Array(data.length);
  const shift = Math.trunc(share * 255);
  for (let i = 0; i < data.length; i += 3) {
    const [r, g, b] = [data[i], data[i + 1], data[i + 2]];
    const most = Math.max(r, g, b);
    const range = most - Math.min(r, g, b);
    if (range === 0) {
      out.fill(most, i, i + 3);
      continue;
    }
    const saturation = Math.trunc(fround(fround(range) / fround(most)) * 255);
    writeRgb(out, i, (hueOf(r, g, b, most, range) + shift) & 255, saturation, most);
  }
  return { ...image, data: out };
}

const { fround } = Math;

function hueOf(r: number, g: number, b: number, most: number, range: number): number {
  const [rc, gc, bc] = [r, g, b].map((value) => fround((most - value) / range));
  const sixths = r === most ? fround(bc - gc) : g === most ? 2 + rc - bc : 4 + gc - rc;
  const turn = fround((fround(sixths) / 6 + 1) % 1);
  return Math.min(255, Math.trunc(turn * 255));
}

/** From hue, saturation and value, 0 .. 255 each. */
function writeRgb(out: Uint8Array, o: number, h: number, s: number, v: number): void {
  const sector = Math.floor((h * 6) / 255);
  const f = fround((h * 6) / 255 - sector);
  const share = fround(s / 255);
  const p = Math.round(v * (1 - share));
  const q = Math.round(v * (1 - share * f));
  const t = Math.round(v * (1 - share * (1 - f)));
  const [r, g, b] = SECTORS[sector % 6](v, p, q, t);
  out[o] = r;
  out[o + 1] = g;
  out[o + 2] = b;
}

type Rgb = readonly [number, number, number];

const SECTORS: readonly ((v: number, p: number, q: number, t: number) => Rgb)[] = [
  (v, p, _, t) => [v, t, p],
  (v, p, q) => [q, v, p],
  (v, p, _, t) => [p, v, t],
  (v, p, q) => [p, q, v],
  (v, p, _, t) => [t, p, v],
  (v, p, q) => [v, p, q],
];

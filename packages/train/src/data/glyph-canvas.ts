import type { Segments } from "./glyph-outlines.js";
import type { Random } from "./random.js";

export type Colour = readonly [red: number, green: number, blue: number];

/** A colour that changes linearly across the image: base + dx · x + dy · y, x and y in -0.5 .. 0.5. */
export interface Paint {
  base: Colour;
  dx: Colour;
  dy: Colour;
}

/**
 * A small float image with the few drawing operations that the glyph scenes need. All arithmetic is
 * + - * / and square root on doubles and floats in a fixed order: the same pixels everywhere.
 */
export class GlyphCanvas {
  readonly #pixels: Float32Array;
  readonly #coverage: Float32Array;
  readonly #scratch: Float32Array;

  constructor(readonly size: number) {
    this.#pixels = new Float32Array(size * size * 3);
    this.#scratch = new Float32Array(size * size * 3);
    this.#coverage = new Float32Array(size * size);
  }

  fill(paint: Paint): void {
    this.#coverage.fill(1);
    this.#compose(paint, 1, 0, 0, this.size, this.size);
  }

  /** Round-capped strokes: coverage = clamp(halfWidth + 1/2 - distance to the nearest segment). */
  strokes(segments: Segments, halfWidth: number, paint: Paint, opacity: number): void {
    const { size } = this;
    const coverage = this.#coverage;
    const reach = halfWidth + 0.5;
    let [left, top, right, bottom] = [size, size, 0, 0];
    for (let s = 0; s < segments.length; s += 4) {
      const ax = segments[s];
      const ay = segments[s + 1];
      const ex = segments[s + 2] - ax;
      const ey = segments[s + 3] - ay;
      const inverse = 1 / Math.max(1e-9, ex * ex + ey * ey);
      const x0 = clampIndex(Math.min(ax, ax + ex) - reach, size);
      const x1 = clampIndex(Math.max(ax, ax + ex) + reach + 1, size);
      const y0 = clampIndex(Math.min(ay, ay + ey) - reach, size);
      const y1 = clampIndex(Math.max(ay, ay + ey) + reach + 1, size);
      left = Math.min(left, x0);
      right = Math.max(right, x1);
      top = Math.min(top, y0);
      bottom = Math.max(bottom, y1);
      for (let y = y0; y < y1; y++) {
        const py = y + 0.5 - ay;
        for (let x = x0; x < x1; x++) {
          const px = x + 0.5 - ax;
          const t = Math.min(1, Math.max(0, (px * ex + py * ey) * inverse));
          const dx = px - t * ex;
          const dy = py - t * ey;
          const square = dx * dx + dy * dy;
          if (square >= reach * reach) continue;
          const c = Math.min(1, reach - Math.sqrt(square));
          const i = y * size + x;
          if (c > coverage[i]) coverage[i] = c;
        }
      }
    }
    this.#compose(paint, opacity, left, top, right, bottom);
  }

  /** A disc whose edge fades over `softness` pixels. */
  disc(cx: number, cy: number, radius: number, softness: number, paint: Paint, opacity: number) {
    const { size } = this;
    const reach = radius + softness;
    const x0 = clampIndex(cx - reach, size);
    const x1 = clampIndex(cx + reach + 1, size);
    const y0 = clampIndex(cy - reach, size);
    const y1 = clampIndex(cy + reach + 1, size);
    for (let y = y0; y < y1; y++) {
      for (let x = x0; x < x1; x++) {
        const dx = x + 0.5 - cx;
        const dy = y + 0.5 - cy;
        const c = (reach - Math.sqrt(dx * dx + dy * dy)) / softness;
        this.#coverage[y * size + x] = Math.min(1, Math.max(0, c));
      }
    }
    this.#compose(paint, opacity, x0, y0, x1, y1);
  }

  /** Mixes in the image blurred by the 3x3 binomial kernel (1 2 1; 2 4 2; 1 2 1) / 16. */
  blur(amount: number): void {
    const { size } = this;
    const row = size * 3;
    blurLines(this.#pixels, this.#scratch, size, row, 3);
    blurLines(this.#scratch, this.#scratch, size, 3, row);
    for (let i = 0; i < this.#pixels.length; i++) {
      this.#pixels[i] += (this.#scratch[i] - this.#pixels[i]) * amount;
    }
  }

  /**
   * Rounds to 8 bits with noise of standard deviation `sigma` (1 = full range): the sum of four
   * uniform bytes, nearly normal, from one draw.
   */
  quantize(out: Uint8Array, sigma: number, random: Random): void {
    // Four uniform bytes: mean 510, variance 4 · (256² - 1) / 12.
    const scale = (sigma * 255) / Math.sqrt((256 * 256 - 1) / 3);
    for (let i = 0; i < this.#pixels.length; i++) {
      const w = random.bits();
      const sum = (w & 255) + ((w >>> 8) & 255) + ((w >>> 16) & 255) + (w >>> 24);
      const value = this.#pixels[i] * 255 + (sum - 510) * scale;
      out[i] = Math.min(255, Math.max(0, Math.floor(value + 0.5)));
    }
  }

  /** Whether red is half or more: 1 or 0, pixel by pixel. */
  lit(): Uint8Array {
    return Uint8Array.from({ length: this.size * this.size }, (_, i) =>
      Number(this.#pixels[3 * i] >= 0.5),
    );
  }

  /** Blends paint over the pixels of the rectangle by coverage · opacity; clears the coverage. */
  #compose(p: Paint, opacity: number, x0: number, y0: number, x1: number, y1: number): void {
    const { size } = this;
    const pixels = this.#pixels;
    for (let y = y0; y < y1; y++) {
      const v = (y + 0.5) / size - 0.5;
      for (let x = x0; x < x1; x++) {
        const i = y * size + x;
        const a = this.#coverage[i] * opacity;
        if (a === 0) continue;
        this.#coverage[i] = 0;
        const u = (x + 0.5) / size - 0.5;
        for (let c = 0; c < 3; c++) {
          const k = i * 3 + c;
          pixels[k] += (p.base[c] + p.dx[c] * u + p.dy[c] * v - pixels[k]) * a;
        }
      }
    }
  }
}

function clampIndex(x: number, size: number): number {
  return Math.min(size, Math.max(0, Math.floor(x)));
}

/** (1 2 1) / 4 along one axis of `size` positions `step` apart; borders repeat. May work in place. */
function blurLines(from: Float32Array, to: Float32Array, size: number, line: number, step: number) {
  for (let l = 0; l < size; l++) {
    for (let c = 0; c < 3; c++) {
      let i = l * line + c;
      let before = from[i];
      let here = before;
      for (let n = 0; n < size; n++, i += step) {
        const after = n + 1 < size ? from[i + step] : here;
        to[i] = (before + 2 * here + after) / 4;
        before = here;
        here = after;
      }
    }
  }
}

import { type Colour, GlyphCanvas, type Paint } from "./glyph-canvas.js";
import { GLYPH_SEGMENTS, type Segments } from "./glyph-outlines.js";
import { cos, sin } from "./portable-math.js";
import { type Random, rng } from "./random.js";

/** Raised whenever any pixel of any image changes. */
export const GLYPHS_VERSION = 1;
export const GLYPH_SIZE = 32;
export const GLYPH_BYTES = GLYPH_SIZE * GLYPH_SIZE * 3;

const CENTRE = GLYPH_SIZE / 2;
const DEGREE = Math.PI / 180;
const canvas = new GlyphCanvas(GLYPH_SIZE);

/** The strokes of a character, in pixels. */
interface Strokes {
  readonly segments: Segments;
  readonly halfWidth: number;
}

/**
 * Draws image `index` of a split into `out` (interleaved RGB). The class is index mod 36, everything
 * else comes from the stream (seed, version, split, index). Returns the character in it.
 */
export function drawGlyph(out: Uint8Array, seed: number, split: string, index: number): Strokes {
  const random = rng(seed, "glyphs", GLYPHS_VERSION, split, index);
  const { ink, ground } = colours(random);
  canvas.fill(ground);
  blobs(random, ground);
  lines(random, ground, random.integer(3));
  if (random.chance(0.5)) fragment(random, ink);
  const { segments, height } = character(random, index % GLYPH_SEGMENTS.length);
  const halfWidth = height * random.uniform(0.045, 0.08);
  canvas.strokes(segments, halfWidth, ink, 1);
  if (random.chance(0.25)) lines(random, ground, 1);
  if (random.chance(0.3)) lines(random, ink, 1);
  if (random.chance(0.6)) canvas.blur(random.uniform(0.2, 1));
  if (random.chance(0.3)) canvas.blur(random.uniform(0.2, 1));
  canvas.quantize(out, random.uniform(0, 0.11), random);
  return { segments, halfWidth };
}

const BLACK = plain(0);
const WHITE = plain(1);

function plain(shade: number): Paint {
  return { base: [shade, shade, shade], dx: [0, 0, 0], dy: [0, 0, 0] };
}

/** Which image of `glyphs`. */
export interface GlyphChoice {
  readonly seed?: number;
  readonly part: "train" | "test";
  readonly index: number;
}

/**
 * Where the character of an image of `glyphs` is: 1 for the pixels that its strokes cover by half or more, else 0,
 * [32, 32]. Parts of other characters and lines are no part of it, nor do lines over it take any away.
 */
export function glyphMask({ seed = 0, part, index }: GlyphChoice): Uint8Array {
  const { segments, halfWidth } = drawGlyph(new Uint8Array(GLYPH_BYTES), seed, part, index);
  canvas.fill(BLACK);
  canvas.strokes(segments, halfWidth, WHITE, 1);
  return canvas.lit();
}

/** Least difference of luminance between ground and ink. */
const CONTRAST = 0.2;

function luminance([red, green, blue]: Colour): number {
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}

function randomColour(random: Random): Colour {
  return [random.next(), random.next(), random.next()];
}

/** Two gradients that are apart in luminance; ink is the darker one, as in print. */
function colours(random: Random): { ink: Paint; ground: Paint } {
  let ink = randomColour(random);
  let ground = randomColour(random);
  while (luminance(ground) - luminance(ink) < CONTRAST) {
    ink = randomColour(random);
    ground = randomColour(random);
  }
  return { ink: gradient(random, ink, 0.15), ground: gradient(random, ground, 0.3) };
}

function gradient(random: Random, base: Colour, strength: number): Paint {
  const slope = (): number => random.uniform(-strength, strength);
  return { base, dx: [slope(), slope(), slope()], dy: [slope(), slope(), slope()] };
}

/** The ground's paint moved towards another colour: visible, but never as strong as ink. */
function tinted(random: Random, ground: Paint, amount: number): Paint {
  const other = randomColour(random);
  const mix = (c: number): number => ground.base[c] + (other[c] - ground.base[c]) * amount;
  return { ...ground, base: [mix(0), mix(1), mix(2)] };
}

function blobs(random: Random, ground: Paint): void {
  const count = random.integer(4);
  for (let i = 0; i < count; i++) {
    const x = random.uniform(0, GLYPH_SIZE);
    const y = random.uniform(0, GLYPH_SIZE);
    const radius = random.uniform(1, 8);
    const softness = random.uniform(0.7, 4);
    const opacity = random.uniform(0.3, 0.8);
    canvas.disc(x, y, radius, softness, tinted(random, ground, 0.4), opacity);
  }
}

/** Thin scratches across the picture. */
function lines(random: Random, ground: Paint, count: number): void {
  for (let i = 0; i < count; i++) {
    const segment = Float64Array.from({ length: 4 }, () => random.uniform(-4, GLYPH_SIZE + 4));
    const opacity = random.uniform(0.3, 0.9);
    canvas.strokes(segment, random.uniform(0.3, 0.7), tinted(random, ground, 0.5), opacity);
  }
}

/** Part of another character that reaches in from outside. */
function fragment(random: Random, ink: Paint): void {
  const { segments, height } = character(random, random.integer(GLYPH_SEGMENTS.length));
  const angle = random.uniform(0, 2 * Math.PI);
  const distance = random.uniform(0.75, 1) * GLYPH_SIZE;
  const dx = cos(angle) * distance;
  const dy = sin(angle) * distance;
  const moved = segments.map((v, i) => v + (i % 2 === 0 ? dx : dy));
  canvas.strokes(moved, height * random.uniform(0.04, 0.075), ink, random.uniform(0.5, 1));
}

/** One character in a random pose, in pixels. Rotation within ±14°, so that 6 and 9, N and Z stay apart. */
function character(random: Random, label: number): { segments: Segments; height: number } {
  const outline = GLYPH_SEGMENTS[label];
  const height = random.uniform(14, 24);
  const width = height * random.uniform(0.8, 1.2);
  const angle = random.uniform(-14, 14) * DEGREE;
  const shear = random.uniform(-0.25, 0.25);
  const bendX = random.uniform(-0.15, 0.15);
  const bendY = random.uniform(-0.15, 0.15);
  const free = (GLYPH_SIZE - height) / 2;
  const cx = CENTRE + random.uniform(-free, free) * 0.8;
  const cy = CENTRE + random.uniform(-free, free) * 0.8;
  const c = cos(angle);
  const s = sin(angle);
  const segments = new Float64Array(outline.length);
  for (let i = 0; i < outline.length; i += 2) {
    const x = outline[i];
    const y = outline[i + 1];
    const u = (x + shear * y + bendX * (4 * y * y - 0.5)) * width;
    const v = (y + bendY * (4 * x * x - 0.3)) * height;
    segments[i] = cx + c * u - s * v;
    segments[i + 1] = cy + s * u + c * v;
  }
  return { segments, height };
}
